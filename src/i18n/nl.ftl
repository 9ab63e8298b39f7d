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

## Accounts

error-login-wrong = Adres en wachtwoord horen niet bij elkaar. Kijk beide na.
error-login-throttled = Er waren te veel pogingen. Probeer het opnieuw over { $minutes ->
    [one] één minuut
    *[other] { $minutes } minuten
}.
error-password-short = Kies minstens 8 tekens; 15 of meer zijn beter.
error-password-long = Kies hoogstens 200 tekens.
error-password-common = Iedereen raadt dit wachtwoord. Kies een ander, bijvoorbeeld vier woorden die niets met elkaar te maken hebben.
error-user-exists = Er is al een gebruiker met het adres { $address }.
error-user-unknown = Er is geen gebruiker met dit adres.

## Publishing

error-required = Vul dit in.
error-too-long = Dit telt { $chars } tekens; er passen er hoogstens { $most }.
error-url = Geef een volledig webadres, zoals https://voorbeeld.be/artikel.
error-language = Kies nl, en, fr of de.
error-slug = Een korte naam heeft 1 tot 80 kleine letters, cijfers en enkele koppeltekens, zoals insights-fr.
error-slug-taken = Deze korte naam is al in gebruik. Kies een andere.
error-time-zone = Geef een tijdzone, zoals Europe/Brussels.
error-color = Geef een kleur als # en zes cijfers, zoals #0f766e.
error-marked-fields = Er is nog niets bewaard. Kijk naar de gemarkeerde velden.
error-conflict = Iemand anders heeft dit intussen bewaard. Van uw tekst is niets verloren: vergelijk beide en kies.
error-article-not-found = Dit artikel bestaat niet meer.
error-issue-not-found = Dit nummer bestaat niet.
error-issue-scheduled = Dit nummer is ingepland en kan niet meer veranderen. Annuleer eerst de verzending.
error-too-many-articles = Een nummer bevat hoogstens { $most } artikels.
error-mailing-not-found = Deze verzending bestaat niet.
error-mailing-begun = Annuleren kan niet meer: de verzending is begonnen.
front-matter-not-closed = Het bestand begint met --- maar de tweede --- ontbreekt. Zet die op een eigen regel onder de velden.
front-matter-no-field = Deze regel is geen veld: “{ $line }”. Een veld is een naam, een dubbelepunt en een waarde op één regel.
front-matter-unknown-field = Er is geen veld “{ $name }”. Er zijn title, author, language, teaser, canonical_url, slug en status.
front-matter-given-twice = Het veld “{ $name }” staat er twee keer.
front-matter-status = “{ $value }” is geen status. Schrijf draft of published.
schedule-bad-time = Geef een datum en een uur, zoals 2027-03-28 09:00.
schedule-past = Dit moment is voorbij. Kies een later moment of verzend nu.
schedule-too-far = Dit is meer dan twee jaar vooruit. Kijk het jaar na.
schedule-blocked = Dit nummer kan nog niet verzonden worden.
test-mail-blocked = Een testmail heeft een onderwerp nodig, en teksten zonder fouten. Kijk naar de controles.
check-place-issue = Nummer
check-place-subject = Onderwerp
check-place-preheader = Voorbeeldregel
check-place-intro = Inleiding
check-place-newsletter = Nieuwsbrief
check-subject-empty = Schrijf een onderwerp.
check-subject-long = Meer dan 90 tekens: de meeste mailprogramma’s korten het in.
check-preheader-empty = Zonder tonen mailprogramma’s de eerste woorden van de mail.
check-preheader-repeats = Ze zegt hetzelfde als het onderwerp.
check-no-postal-address = De wet vraagt een postadres in elk nummer.
check-no-articles = Voeg minstens één artikel toe.
check-article-draft = Dit artikel is een ontwerp. Publiceer het eerst.
check-article-empty = Dit artikel heeft geen tekst.
check-teaser-without-url = Als teaser heeft het een adres nodig waar het geheel te lezen is. Voeg er een toe, of toon het volledig.
check-teaser-empty = Het heeft geen teaser: er zullen alleen de titel en een link staan.
check-article-language = Het is in het { $language }, de nieuwsbrief in het { $expected }.
check-heavy = De mail weegt { $size } kB. Boven { $most } kB kapt Gmail hem af.
check-too-heavy = De mail weegt { $size } kB, meer dan { $most }: Gmail zou het einde verbergen, met de link om uit te schrijven. Toon sommige artikels als teaser.
check-image-alt = Deze afbeelding heeft geen beschrijving: { $what }
check-image-http = Deze afbeelding staat niet op https en veel mailprogramma’s tonen ze niet: { $what }
check-image-left-out = Deze afbeelding kan niet in een mail staan en is weggelaten: { $what }
check-link-left-out = Deze link kan niet in een mail staan; de tekst ervan bleef: { $what }
check-html-as-text = HTML werkt hier niet en verschijnt als tekst: { $what }
check-text-too-long = De tekst is te lang voor een mail. Splits hem in artikels.
check-text-too-deep = Lijsten of citaten zitten te diep in elkaar.
check-url = Dit is geen webadres: { $url }
check-field-unknown = Er is geen veld “{ $field }”. Schrijf name met een woord voor wie geen naam gaf, of newsletter.
check-field-no-fallback = Het veld “{ $field }” heeft een woord nodig voor wie geen naam gaf, na een streep: name|lezer.
check-field-unclosed = Het veld dat begint met “{ $field }” heeft geen sluitende accolades op zijn regel.
check-field-in-url = Het veld “{ $field }” staat in het adres van een link of afbeelding, waar het niet ingevuld wordt.
