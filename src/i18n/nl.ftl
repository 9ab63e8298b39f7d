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
