# English. The same keys as in the other files; the tests compare them.

## Dates

date-long = { $day } { $month } { $year }
date-time = { $date }, { $time }
month-1 = January
month-2 = February
month-3 = March
month-4 = April
month-5 = May
month-6 = June
month-7 = July
month-8 = August
month-9 = September
month-10 = October
month-11 = November
month-12 = December

## Frame and error pages

layout-languages = Language
page-error-title = That did not work
page-error-home = To the start page
page-error-not-found = There is no page at this address. Check the link, or start again from the start page.
page-error-forbidden = This form is too old or did not come from here. Go back, reload the page and try again.
page-error-bad-request = What was sent could not be read. Go back and try again.
page-error-too-large = That is more than we can take at once. Make it shorter and try again.
page-error-media-type = This form was sent in a way that we do not understand. Go back and use the form on the page.
page-error-method = This address cannot be used in that way. Go back and use the buttons on the page.
page-error-unavailable = We cannot save anything at this moment. Nothing is lost: please try again in a few seconds.
page-error-internal = Something went wrong on our side. It has been noted. Please try again later.
page-error-too-many = There were too many attempts. Please try again in { $minutes ->
    [one] one minute
   *[other] { $minutes } minutes
}.
