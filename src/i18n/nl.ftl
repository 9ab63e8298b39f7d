# Nederlands. The same keys as in the other files; the tests compare them.

## Dates

date-long = { $day } { $month } { $year }
date-time = { $date }, { $time }
month-1 = januari
month-2 = februari
month-3 = maart
month-4 = april
month-5 = mei
month-6 = juni
month-7 = juli
month-8 = augustus
month-9 = september
month-10 = oktober
month-11 = november
month-12 = december

## Frame and error pages

layout-languages = Taal
page-error-title = Dat is niet gelukt
page-error-home = Naar de startpagina
page-error-not-found = Op dit adres staat geen pagina. Controleer de link, of begin opnieuw op de startpagina.
page-error-forbidden = Dit formulier is te oud of komt niet van hier. Ga terug, herlaad de pagina en probeer opnieuw.
page-error-bad-request = Wat u verstuurde, konden we niet lezen. Ga terug en probeer opnieuw.
page-error-too-large = Dat is meer dan we in één keer aankunnen. Maak het korter en probeer opnieuw.
page-error-media-type = Dit formulier werd verstuurd op een manier die we niet begrijpen. Ga terug en gebruik het formulier op de pagina.
page-error-method = Dit adres kan zo niet gebruikt worden. Ga terug en gebruik de knoppen op de pagina.
page-error-unavailable = We kunnen op dit moment niets bewaren. Er gaat niets verloren: probeer het over enkele seconden opnieuw.
page-error-internal = Bij ons liep iets mis. We hebben het genoteerd. Probeer het later opnieuw.
page-error-too-many = Er waren te veel pogingen. Probeer het opnieuw over { $minutes ->
    [one] één minuut
   *[other] { $minutes } minuten
}.
## Mails

mail-issue-number = Nummer { $number }
mail-view-online = Bekijk online
mail-contents = In dit nummer
mail-by = Door { $author }
mail-read-on = Lees verder
mail-read-on-site = Lees dit artikel op onze site
mail-why = U krijgt deze mail omdat u zich hebt ingeschreven voor { $newsletter }.
mail-unsubscribe = Uitschrijven
mail-web-why = Dit is een nummer van { $newsletter }. Wilt u het volgende in uw mailbox?
mail-web-subscribe = Schrijf u in
mail-confirm-subject = Bevestig uw inschrijving voor { $newsletter }
mail-confirm-preheader = Nog één klik en { $newsletter } komt voortaan naar u toe.
mail-confirm-title = Bevestig uw inschrijving
mail-confirm-who = Op { $date } is dit e-mailadres ingevuld op het inschrijfformulier van { $newsletter }.
mail-confirm-ask = Was u dat? Bevestig dan hieronder dat u de nieuwsbrief wilt krijgen.
mail-confirm-button = Ja, schrijf mij in
mail-confirm-link = Werkt de knop niet? Kopieer dan dit adres naar uw browser:
mail-confirm-valid = De link blijft 7 dagen geldig, tot { $date }.
mail-confirm-ignore = Was u het niet? Dan hoeft u niets te doen: zonder uw bevestiging sturen wij u geen nieuwsbrief.
mail-confirm-stop = Wilt u ook geen herinnering aan deze aanvraag? Dat regelt u hier:
mail-confirm-stop-link = Aanvraag intrekken
mail-already-subject = U bent al ingeschreven voor { $newsletter }
mail-already-preheader = U hoeft niets te doen.
mail-already-title = U bent al ingeschreven
mail-already-who = Op { $date } is dit e-mailadres ingevuld op het inschrijfformulier van { $newsletter }. U stond al op de lijst: er is niets veranderd en u hoeft niets te doen.
mail-already-missing = Krijgt u de nieuwsbrief niet te zien? Kijk dan ook eens in uw map met ongewenste mail.
mail-already-leave = Wilt u de nieuwsbrief niet meer krijgen? Dan kunt u zich hier uitschrijven:
mail-service-why = Dit is een eenmalig bericht over uw inschrijving.
