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

## Accounts

error-login-wrong = Address and password do not belong together. Please check both.
error-login-throttled = There were too many attempts. Please try again in { $minutes ->
    [one] one minute
    *[other] { $minutes } minutes
}.
error-password-short = Please choose at least 8 characters; 15 or more are better.
error-password-long = Please choose at most 200 characters.
error-password-common = Everyone guesses this password. Please choose another, for example four words that have nothing to do with each other.
error-user-exists = There is a user with the address { $address } already.
error-user-unknown = There is no user with this address.

## Publishing

error-required = Please fill this in.
error-too-long = This has { $chars } characters; at most { $most } fit.
error-url = Please enter a whole web address, such as https://example.org/article.
error-language = Please choose nl, en, fr or de.
error-slug = A short name has 1 to 80 lower-case letters, digits and single hyphens, such as insights-fr.
error-slug-taken = This short name is taken. Please choose another.
error-time-zone = Please enter a time zone such as Europe/Brussels.
error-color = Please enter a colour as # and six digits, such as #0f766e.
error-marked-fields = Nothing has been saved yet. Please look at the marked fields.
error-conflict = Someone else has saved this in the meantime. Nothing of yours is lost: compare both and choose.
error-article-not-found = There is no such article any more.
error-issue-not-found = There is no such issue.
error-issue-scheduled = This issue is scheduled and can no longer be changed. Cancel the mailing first.
error-too-many-articles = An issue holds at most { $most } articles.
error-mailing-not-found = There is no such mailing.
error-mailing-begun = It is too late to cancel: the mailing has begun.
front-matter-not-closed = The file begins with --- but the second --- is missing. Put it on a line of its own below the fields.
front-matter-no-field = This line is no field: “{ $line }”. A field is a name, a colon and a value on one line.
front-matter-unknown-field = There is no field “{ $name }”. There are title, author, language, teaser, canonical_url, slug and status.
front-matter-given-twice = The field “{ $name }” stands there twice.
front-matter-status = “{ $value }” is no status. Please write draft or published.
schedule-bad-time = Please enter a date and a time, such as 2027-03-28 09:00.
schedule-past = This moment has passed. Please choose a later one, or send now.
schedule-too-far = This is more than two years ahead. Please check the year.
schedule-blocked = This issue cannot be sent yet.
test-mail-blocked = A test mail needs a subject, and texts without errors. Look at the checks.
check-place-issue = Issue
check-place-subject = Subject
check-place-preheader = Preview line
check-place-intro = Introduction
check-place-newsletter = Newsletter
check-subject-empty = Write a subject.
check-subject-long = More than 90 characters: most inboxes will cut it.
check-preheader-empty = Without one, inboxes show the first words of the mail.
check-preheader-repeats = It says the same as the subject.
check-no-postal-address = The law asks for a postal address in every issue.
check-no-articles = Add at least one article.
check-article-draft = This article is a draft. Publish it first.
check-article-empty = This article has no text.
check-teaser-without-url = As a teaser it needs an address where the whole can be read. Add one, or show it in full.
check-teaser-empty = It has no teaser: only the title and a link will stand there.
check-article-language = It is in { $language }, the newsletter in { $expected }.
check-heavy = The mail weighs { $size } KB. Above { $most } KB Gmail cuts it.
check-too-heavy = The mail weighs { $size } KB, more than { $most }: Gmail would hide its end, with the link to unsubscribe. Show some articles as teasers.
check-image-alt = This image has no description: { $what }
check-image-http = This image is not on https, and many mail programs will not show it: { $what }
check-image-left-out = This image cannot stand in a mail and was left out: { $what }
check-link-left-out = This link cannot stand in a mail; its text was kept: { $what }
check-html-as-text = HTML is not used here and will show as text: { $what }
check-text-too-long = The text is too long for a mail. Split it into articles.
check-text-too-deep = Lists or quotes are nested too deeply.
check-url = This is no web address: { $url }
check-field-unknown = There is no field “{ $field }”. Write name with a word for readers without one, or newsletter.
check-field-no-fallback = The field “{ $field }” needs a word for readers without a name, behind a bar: name|reader.
check-field-unclosed = The field that begins with “{ $field }” has no closing braces on its line.
check-field-in-url = The field “{ $field }” stands in the address of a link or image, where it is not filled in.
