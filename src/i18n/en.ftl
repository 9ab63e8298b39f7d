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
## Mails

mail-issue-number = Issue { $number }
mail-view-online = View online
mail-contents = In this issue
mail-by = By { $author }
mail-read-on = Read on
mail-read-on-site = Read this article on our website
mail-why = You are receiving this email because you subscribed to { $newsletter }.
mail-unsubscribe = Unsubscribe
mail-web-why = This is an issue of { $newsletter }. Would you like the next one in your inbox?
mail-web-subscribe = Subscribe
mail-confirm-subject = Confirm your subscription to { $newsletter }
mail-confirm-preheader = One more click, and { $newsletter } will come to you.
mail-confirm-title = Confirm your subscription
mail-confirm-who = On { $date }, this email address was entered in the sign-up form of { $newsletter }.
mail-confirm-ask = Was that you? Then please confirm below that you would like to receive the newsletter.
mail-confirm-button = Yes, subscribe me
mail-confirm-link = If the button does not work, copy this address into your browser:
mail-confirm-valid = The link is valid for 7 days, until { $date }.
mail-confirm-ignore = Not you? Then you need not do anything: without your confirmation we will not send you the newsletter.
mail-confirm-stop = Would you rather not be reminded of this request either? You can see to that here:
mail-confirm-stop-link = Withdraw the request
mail-already-subject = You are already subscribed to { $newsletter }
mail-already-preheader = There is nothing you need to do.
mail-already-title = You are already subscribed
mail-already-who = On { $date }, this email address was entered in the sign-up form of { $newsletter }. You were on the list already: nothing has changed, and there is nothing you need to do.
mail-already-missing = Not seeing the newsletter? It may be worth a look in your spam folder.
mail-already-leave = Would you rather not receive the newsletter any more? You can unsubscribe here:
mail-service-why = This is a one-off message about your subscription.
