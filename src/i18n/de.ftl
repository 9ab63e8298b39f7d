# Deutsch. The same keys as in the other files; the tests compare them.

## Dates

date-long = { $day }. { $month } { $year }
date-time = { $date }, { $time }
month-1 = Januar
month-2 = Februar
month-3 = März
month-4 = April
month-5 = Mai
month-6 = Juni
month-7 = Juli
month-8 = August
month-9 = September
month-10 = Oktober
month-11 = November
month-12 = Dezember

## Frame and error pages

layout-languages = Sprache
page-error-title = Das hat nicht geklappt
page-error-home = Zur Startseite
page-error-not-found = Unter dieser Adresse gibt es keine Seite. Prüfen Sie den Link oder beginnen Sie auf der Startseite.
page-error-forbidden = Dieses Formular ist zu alt oder kam nicht von hier. Gehen Sie zurück, laden Sie die Seite neu und versuchen Sie es noch einmal.
page-error-bad-request = Was Sie gesendet haben, konnten wir nicht lesen. Gehen Sie zurück und versuchen Sie es noch einmal.
page-error-too-large = Das ist mehr, als wir auf einmal annehmen können. Kürzen Sie es und versuchen Sie es noch einmal.
page-error-media-type = Dieses Formular wurde auf eine Weise gesendet, die wir nicht verstehen. Gehen Sie zurück und verwenden Sie das Formular auf der Seite.
page-error-method = Diese Adresse lässt sich so nicht verwenden. Gehen Sie zurück und verwenden Sie die Schaltflächen auf der Seite.
page-error-unavailable = Wir können im Moment nichts speichern. Es geht nichts verloren: Bitte versuchen Sie es in einigen Sekunden noch einmal.
page-error-internal = Bei uns ist etwas schiefgelaufen. Es wurde vermerkt. Bitte versuchen Sie es später noch einmal.
page-error-too-many = Es gab zu viele Versuche. Bitte versuchen Sie es in { $minutes ->
    [one] einer Minute
   *[other] { $minutes } Minuten
} noch einmal.
