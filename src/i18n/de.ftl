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
## Mails

mail-issue-number = Ausgabe { $number }
mail-view-online = Online ansehen
mail-contents = In dieser Ausgabe
mail-by = Von { $author }
mail-read-on = Weiterlesen
mail-read-on-site = Diesen Artikel auf unserer Website lesen
mail-why = Sie erhalten diese E-Mail, weil Sie { $newsletter } abonniert haben.
mail-unsubscribe = Abmelden
mail-web-why = Dies ist eine Ausgabe von { $newsletter }. Möchten Sie die nächste per E-Mail erhalten?
mail-web-subscribe = Jetzt abonnieren
mail-confirm-subject = Bitte bestätigen Sie Ihre Anmeldung zu { $newsletter }
mail-confirm-preheader = Nur noch ein Klick, dann kommt { $newsletter } zu Ihnen.
mail-confirm-title = Bestätigen Sie Ihre Anmeldung
mail-confirm-who = Am { $date } wurde diese E-Mail-Adresse im Anmeldeformular von { $newsletter } eingetragen.
mail-confirm-ask = Waren Sie das? Dann bestätigen Sie bitte unten, dass Sie den Newsletter erhalten möchten.
mail-confirm-button = Ja, ich möchte ihn erhalten
mail-confirm-link = Falls die Schaltfläche nicht funktioniert, kopieren Sie diese Adresse in Ihren Browser:
mail-confirm-valid = Der Link ist 7 Tage gültig, bis zum { $date }.
mail-confirm-ignore = Sie waren das nicht? Dann brauchen Sie nichts zu tun: Ohne Ihre Bestätigung senden wir Ihnen keinen Newsletter.
mail-confirm-stop = Möchten Sie auch keine Erinnerung an diese Anfrage? Das können Sie hier angeben:
mail-confirm-stop-link = Anfrage zurückziehen
mail-already-subject = Sie haben { $newsletter } bereits abonniert
mail-already-preheader = Sie brauchen nichts zu tun.
mail-already-title = Sie sind bereits angemeldet
mail-already-who = Am { $date } wurde diese E-Mail-Adresse im Anmeldeformular von { $newsletter } eingetragen. Sie standen schon auf der Liste: Es hat sich nichts geändert, und Sie brauchen nichts zu tun.
mail-already-missing = Der Newsletter kommt nicht bei Ihnen an? Sehen Sie auch einmal in Ihrem Spam-Ordner nach.
mail-already-leave = Möchten Sie den Newsletter nicht mehr erhalten? Hier können Sie sich abmelden:
mail-service-why = Dies ist eine einmalige Nachricht zu Ihrer Anmeldung.
