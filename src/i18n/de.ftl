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
mail-confirm-stop = Möchten Sie, dass wir diese Anfrage sofort löschen? Das geht hier:
mail-confirm-stop-link = Anfrage zurückziehen
mail-already-subject = Sie haben { $newsletter } bereits abonniert
mail-already-preheader = Sie brauchen nichts zu tun.
mail-already-title = Sie sind bereits angemeldet
mail-already-who = Am { $date } wurde diese E-Mail-Adresse im Anmeldeformular von { $newsletter } eingetragen. Sie standen schon auf der Liste: Es hat sich nichts geändert, und Sie brauchen nichts zu tun.
mail-already-missing = Der Newsletter kommt nicht bei Ihnen an? Sehen Sie auch einmal in Ihrem Spam-Ordner nach.
mail-already-leave = Möchten Sie den Newsletter nicht mehr erhalten? Hier können Sie sich abmelden:
mail-service-why = Dies ist eine einmalige Nachricht zu Ihrer Anmeldung.

## Visitors

consent-text = Ja, ich möchte { $newsletter } von { $sender } per E-Mail erhalten. Ich kann mich jederzeit mit einem Klick abmelden, in jeder Mail.
error-marked = Es wurde noch nichts gesendet. Bitte sehen Sie sich die markierten Felder an.
error-address-empty = Bitte geben Sie Ihre E-Mail-Adresse ein.
error-address-too-long = Das ist zu lang für eine E-Mail-Adresse. Bitte prüfen Sie sie.
error-address-no-at = Eine E-Mail-Adresse hat genau ein @, wie in name@example.org. Bitte prüfen Sie sie.
error-address-local = An das, was vor dem @ steht, können wir keine Mail senden. Bitte prüfen Sie es auf Leerzeichen und ungewöhnliche Zeichen.
error-address-domain = Nach dem @ gehört eine Domain, zum Beispiel example.org. Bitte prüfen Sie sie.
error-name-too-long = Bitte kürzen Sie den Namen auf höchstens 120 Zeichen.
error-consent = Bitte setzen Sie hier ein Häkchen: Ohne Ihre Einwilligung dürfen wir Ihnen nichts senden.
error-too-fast = Das ging schneller, als Menschen gewöhnlich tippen. Bitte drücken Sie noch einmal auf die Schaltfläche.
error-field-twice = Dieses Feld wurde zweimal mit verschiedenem Inhalt gesendet. Bitte füllen Sie es einmal aus.
home-title = Newsletter
home-lead = Wählen Sie den Newsletter, den Sie erhalten möchten.
home-none = Es gibt noch keinen Newsletter, den Sie abonnieren können. Schauen Sie später wieder vorbei.
signup-title = { $newsletter } abonnieren
signup-address = E-Mail-Adresse
signup-name = Name
signup-optional = (freiwillig)
signup-language = Sprache
signup-language-hint = Die Sprache, in der wir Ihnen zu Ihrem Abonnement schreiben.
signup-trap = Bitte lassen Sie dieses Feld leer
signup-submit = Abonnieren
signup-next = Sie bekommen eine Mail mit einer Schaltfläche. Erst wenn Sie darauf drücken, sind Sie angemeldet.
latest-issue = Die letzte Ausgabe:
inbox-title = Sehen Sie in Ihr Postfach
inbox = Eine Mail von { $sender } ist zu Ihnen unterwegs. Drücken Sie auf die Schaltfläche darin, dann ist alles erledigt.
inbox-nothing = Nichts angekommen?
inbox-wait = Es kann einige Minuten dauern.
inbox-spam = Suchen Sie in Ihrem Spam-Ordner nach einer Mail von { $address }.
inbox-typo = Ein Tippfehler in Ihrer Adresse?
inbox-again = Das Formular noch einmal ausfüllen
inbox-valid = Die Schaltfläche funktioniert 7 Tage lang.
confirm-title = Noch ein Klick
confirm-lead = Drücken Sie auf die Schaltfläche, und Sie erhalten ab jetzt { $newsletter }.
confirm-button = Ja, melden Sie mich an
confirm-not-you = Haben Sie das nicht selbst angefordert? Dann schließen Sie diese Seite: Es geschieht nichts.
confirmed-title = Sie sind angemeldet
confirmed = Vielen Dank! Ab jetzt erhalten Sie { $newsletter }.
confirmed-contacts = Nehmen Sie { $address } in Ihre Kontakte auf, damit keine Ausgabe im Spam landet.
confirmed-leave = Eines Tages genug davon? In jeder Mail steht ein Link zum Abmelden.
link-expired-title = Dieser Link ist abgelaufen
link-expired = Ein solcher Link funktioniert 7 Tage lang. Melden Sie sich noch einmal an, dann bekommen Sie sofort einen neuen.
link-unknown-title = Dieser Link funktioniert nicht
link-unknown = Vielleicht wurde er beim Kopieren abgeschnitten, oder Sie haben sich inzwischen abgemeldet. Versuchen Sie es mit der Schaltfläche in der Mail selbst, oder melden Sie sich noch einmal an.
link-again = Noch einmal anmelden
leave-title = { $newsletter } abbestellen?
leave = Drücken Sie auf die Schaltfläche, und Sie erhalten keine Ausgaben von { $newsletter } mehr.
leave-button = Abbestellen
leave-stay = Möchten Sie lieber bleiben? Dann schließen Sie diese Seite: Es ändert sich nichts.
leave-pending-title = Die Anfrage für { $newsletter } zurückziehen?
leave-pending = Jemand hat Ihre Adresse in das Anmeldeformular eingetragen. Drücken Sie auf die Schaltfläche, und die Anfrage ist weg.
leave-pending-button = Anfrage zurückziehen
left-title = Sie sind abgemeldet
left = Sie erhalten keine Mails von { $newsletter } mehr. Danke fürs Lesen.
left-gone = Wir wissen nichts mehr von Ihnen und senden Ihnen nichts mehr.
left-mistake = Versehentlich gedrückt?
left-undo = Rückgängig machen: Ich möchte bleiben
left-again = Noch einmal anmelden
undone-title = Schön, dass Sie bleiben
undone = Es hat sich nichts geändert: Sie erhalten weiterhin { $newsletter }.
undone-home = Zur Seite des Newsletters
undo-too-late = Rückgängig machen geht eine Stunde lang. Sie können sich gern noch einmal anmelden.
