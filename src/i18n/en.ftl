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
mail-confirm-stop = Would you like us to delete this request right away? You can do so here:
mail-confirm-stop-link = Withdraw the request
mail-already-subject = You are already subscribed to { $newsletter }
mail-already-preheader = There is nothing you need to do.
mail-already-title = You are already subscribed
mail-already-who = On { $date }, this email address was entered in the sign-up form of { $newsletter }. You were on the list already: nothing has changed, and there is nothing you need to do.
mail-already-missing = Not seeing the newsletter? It may be worth a look in your spam folder.
mail-already-leave = Would you rather not receive the newsletter any more? You can unsubscribe here:
mail-service-why = This is a one-off message about your subscription.

## Visitors

consent-text = Yes, I would like to receive { $newsletter } by email from { $sender }. I can unsubscribe at any time with one click, in every mail.
error-marked = Nothing has been sent yet. Please look at the marked fields.
error-address-empty = Please enter your email address.
error-address-too-long = This address is too long to be an email address. Please check it.
error-address-no-at = An email address has one @, as in name@example.org. Please check it.
error-address-local = We cannot send mail to what stands before the @. Please check it for spaces and odd characters.
error-address-domain = What stands after the @ should be a domain such as example.org. Please check it.
error-name-too-long = Please shorten the name to at most 120 characters.
error-consent = Please tick this box: without your consent we may not send you anything.
error-too-fast = That was faster than people usually type. Please press the button once more.
error-field-twice = This was sent twice, with different values. Please enter it once.
home-title = Newsletters
home-lead = Choose the newsletter you would like to receive.
home-none = There is no newsletter to subscribe to yet. Please come back later.
signup-title = Subscribe to { $newsletter }
signup-address = Email address
signup-name = Name
signup-optional = (optional)
signup-language = Language
signup-language-hint = The language in which we write to you about your subscription.
signup-trap = Please leave this field empty
signup-submit = Subscribe
signup-next = You will get one mail with a button. Only when you press it are you subscribed.
latest-issue = The latest issue:
inbox-title = Look in your inbox
inbox = There is a mail from { $sender } on its way to you. Press the button in it, and you are done.
inbox-nothing = Nothing there?
inbox-wait = It can take a few minutes.
inbox-spam = Look in your spam folder for a mail from { $address }.
inbox-typo = A typing error in your address?
inbox-again = Fill in the form again
inbox-valid = The button works for 7 days.
confirm-title = One more click
confirm-lead = Press the button, and you will receive { $newsletter } from now on.
confirm-button = Yes, subscribe me
confirm-not-you = Was it not you who asked for this? Then close this page: nothing will happen.
confirmed-title = You are subscribed
confirmed = Thank you! From now on you will receive { $newsletter }.
confirmed-contacts = Add { $address } to your contacts, so that no issue ends up among your spam.
confirmed-leave = Had enough one day? Every mail has a link to unsubscribe.
link-expired-title = This link has expired
link-expired = A link like this works for 7 days. Subscribe again, and you will get a fresh one right away.
link-unknown-title = This link does not work
link-unknown = Perhaps it was cut in two when it was copied, or you have unsubscribed since. Try the button in the mail itself, or subscribe again.
link-again = Subscribe again
leave-title = Unsubscribe from { $newsletter }?
leave = Press the button, and you will receive no more issues of { $newsletter }.
leave-button = Unsubscribe
leave-stay = Would you rather stay? Then close this page: nothing will change.
leave-pending-title = Withdraw the request for { $newsletter }?
leave-pending = Someone entered your address in the sign-up form. Press the button, and the request is gone.
leave-pending-button = Withdraw the request
left-title = You are unsubscribed
left = You will receive no more mails from { $newsletter }. Thank you for reading.
left-gone = We know nothing about you any more, and will send you nothing.
left-mistake = Pressed by mistake?
left-undo = Undo: I would like to stay
left-again = Subscribe again
undone-title = Good to have you back
undone = Nothing has changed: you will keep receiving { $newsletter }.
undone-home = To the newsletter’s page
undo-too-late = Undoing works for one hour. You are welcome to subscribe again.
