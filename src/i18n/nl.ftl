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
mail-confirm-stop = Wilt u dat wij deze aanvraag meteen wissen? Dat kan hier:
mail-confirm-stop-link = Aanvraag intrekken
mail-already-subject = U bent al ingeschreven voor { $newsletter }
mail-already-preheader = U hoeft niets te doen.
mail-already-title = U bent al ingeschreven
mail-already-who = Op { $date } is dit e-mailadres ingevuld op het inschrijfformulier van { $newsletter }. U stond al op de lijst: er is niets veranderd en u hoeft niets te doen.
mail-already-missing = Krijgt u de nieuwsbrief niet te zien? Kijk dan ook eens in uw map met ongewenste mail.
mail-already-leave = Wilt u de nieuwsbrief niet meer krijgen? Dan kunt u zich hier uitschrijven:
mail-service-why = Dit is een eenmalig bericht over uw inschrijving.

## Visitors

consent-text = Ja, ik ontvang graag { $newsletter } van { $sender } per e-mail. Ik kan me op elk moment met één klik uitschrijven, in elke mail.
error-marked = Er is nog niets verstuurd. Kijk even naar de gemarkeerde velden.
error-address-empty = Vul uw e-mailadres in.
error-address-too-long = Dit is te lang voor een e-mailadres. Kijk het even na.
error-address-no-at = Een e-mailadres heeft één @, zoals in naam@example.org. Kijk het even na.
error-address-local = Naar wat er voor de @ staat, kunnen we geen mail sturen. Kijk het na op spaties en vreemde tekens.
error-address-domain = Na de @ hoort een domein te staan, zoals example.org. Kijk het even na.
error-name-too-long = Kort de naam in tot hooguit 120 tekens.
error-consent = Vink dit vakje aan: zonder uw toestemming mogen we u niets sturen.
error-too-fast = Dat ging sneller dan mensen gewoonlijk typen. Druk nog één keer op de knop.
error-field-twice = Dit is twee keer verstuurd, met een verschillende inhoud. Vul het één keer in.
home-title = Nieuwsbrieven
home-lead = Kies de nieuwsbrief die u wilt ontvangen.
home-none = Er is nog geen nieuwsbrief om op in te schrijven. Kom later nog eens langs.
signup-title = Schrijf u in op { $newsletter }
signup-address = E-mailadres
signup-name = Naam
signup-optional = (niet verplicht)
signup-language = Taal
signup-language-hint = De taal waarin we u over uw inschrijving schrijven.
signup-trap = Laat dit veld leeg
signup-submit = Inschrijven
signup-next = U krijgt één mail met een knop. Pas als u daarop drukt, bent u ingeschreven.
latest-issue = Het laatste nummer:
inbox-title = Kijk in uw mailbox
inbox = Er is een mail van { $sender } naar u onderweg. Druk op de knop die erin staat, en het is geregeld.
inbox-nothing = Niets te zien?
inbox-wait = Het kan enkele minuten duren.
inbox-spam = Kijk in uw spammap naar een mail van { $address }.
inbox-typo = Een tikfout in uw adres?
inbox-again = Vul het formulier opnieuw in
inbox-valid = De knop werkt 7 dagen.
confirm-title = Nog één klik
confirm-lead = Druk op de knop, en u ontvangt voortaan { $newsletter }.
confirm-button = Ja, schrijf mij in
confirm-not-you = Hebt u dit niet zelf gevraagd? Sluit dan deze pagina: er gebeurt niets.
confirmed-title = U bent ingeschreven
confirmed = Dank u wel! Voortaan ontvangt u { $newsletter }.
confirmed-contacts = Voeg { $address } toe aan uw contacten, zodat geen enkel nummer tussen de spam belandt.
confirmed-leave = Ooit genoeg ervan? In elke mail staat een link om u uit te schrijven.
link-expired-title = Deze link is verlopen
link-expired = Zo’n link werkt 7 dagen. Schrijf u opnieuw in, en u krijgt meteen een nieuwe.
link-unknown-title = Deze link werkt niet
link-unknown = Misschien is hij bij het kopiëren afgebroken, of hebt u zich intussen uitgeschreven. Probeer de knop in de mail zelf, of schrijf u opnieuw in.
link-again = Opnieuw inschrijven
leave-title = Uitschrijven voor { $newsletter }?
leave = Druk op de knop, en u ontvangt geen nummers van { $newsletter } meer.
leave-button = Uitschrijven
leave-stay = Blijft u liever? Sluit dan deze pagina: er verandert niets.
leave-pending-title = De aanvraag voor { $newsletter } intrekken?
leave-pending = Iemand vulde uw adres in op het inschrijfformulier. Druk op de knop, en de aanvraag is weg.
leave-pending-button = Aanvraag intrekken
left-title = U bent uitgeschreven
left = U ontvangt geen mails van { $newsletter } meer. Bedankt voor het lezen.
left-gone = We weten niets meer van u en sturen u niets meer.
left-mistake = Per ongeluk gedrukt?
left-undo = Ongedaan maken: ik blijf liever
left-again = Opnieuw inschrijven
undone-title = Fijn dat u blijft
undone = Er is niets veranderd: u blijft { $newsletter } ontvangen.
undone-home = Naar de pagina van de nieuwsbrief
undo-too-late = Ongedaan maken kan tot een uur na het uitschrijven. U kunt zich gerust opnieuw inschrijven.
