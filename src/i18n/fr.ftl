# Français. The same keys as in the other files; the tests compare them.

## Dates

date-long = { $day } { $month } { $year }
date-time = { $date }, { $time }
month-1 = janvier
month-2 = février
month-3 = mars
month-4 = avril
month-5 = mai
month-6 = juin
month-7 = juillet
month-8 = août
month-9 = septembre
month-10 = octobre
month-11 = novembre
month-12 = décembre

## Frame and error pages

layout-languages = Langue
page-error-title = Cela n’a pas fonctionné
page-error-home = Vers la page d’accueil
page-error-not-found = Il n’y a pas de page à cette adresse. Vérifiez le lien ou repartez de la page d’accueil.
page-error-forbidden = Ce formulaire est trop ancien ou ne vient pas d’ici. Revenez en arrière, rechargez la page et réessayez.
page-error-bad-request = Votre envoi n’a pas pu être lu. Revenez en arrière et réessayez.
page-error-too-large = C’est plus que ce que nous pouvons traiter en une fois. Raccourcissez et réessayez.
page-error-media-type = Ce formulaire a été envoyé d’une manière que nous ne comprenons pas. Revenez en arrière et utilisez le formulaire de la page.
page-error-method = Cette adresse ne s’utilise pas de cette façon. Revenez en arrière et utilisez les boutons de la page.
page-error-unavailable = Nous ne pouvons rien enregistrer pour le moment. Rien n’est perdu : réessayez dans quelques secondes.
page-error-internal = Une erreur s’est produite de notre côté. Elle a été notée. Réessayez plus tard.
page-error-too-many = Il y a eu trop de tentatives. Réessayez dans { $minutes ->
    [one] une minute
   *[other] { $minutes } minutes
}.

## Mails

mail-issue-number = Numéro { $number }
mail-view-online = Voir en ligne
mail-contents = Dans ce numéro
mail-by = Par { $author }
mail-read-on = Lire la suite
mail-read-on-site = Lire cet article sur notre site
mail-why = Vous recevez cet e-mail parce que vous êtes abonné(e) à { $newsletter }.
mail-unsubscribe = Se désabonner
mail-web-why = Ceci est un numéro de { $newsletter }. Souhaitez-vous recevoir le prochain par e-mail ?
mail-web-subscribe = S’abonner
mail-confirm-subject = Confirmez votre abonnement à { $newsletter }
mail-confirm-preheader = Encore un clic et vous recevrez { $newsletter }.
mail-confirm-title = Confirmez votre abonnement
mail-confirm-who = Le { $date }, cette adresse e-mail a été saisie dans le formulaire d’abonnement à { $newsletter }.
mail-confirm-ask = C’était vous ? Confirmez alors ci-dessous que vous souhaitez recevoir la lettre d’information.
mail-confirm-button = Oui, je m’abonne
mail-confirm-link = Si le bouton ne fonctionne pas, copiez cette adresse dans votre navigateur :
mail-confirm-valid = Le lien est valable 7 jours, jusqu’au { $date }.
mail-confirm-ignore = Ce n’était pas vous ? Vous n’avez rien à faire : sans votre confirmation, nous ne vous enverrons pas la lettre d’information.
mail-confirm-stop = Souhaitez-vous que nous effacions cette demande tout de suite ? C’est possible ici :
mail-confirm-stop-link = Retirer la demande
mail-already-subject = Vous êtes déjà abonné(e) à { $newsletter }
mail-already-preheader = Vous n’avez rien à faire.
mail-already-title = Vous êtes déjà abonné(e)
mail-already-who = Le { $date }, cette adresse e-mail a été saisie dans le formulaire d’abonnement à { $newsletter }. Vous étiez déjà sur la liste : rien n’a changé et vous n’avez rien à faire.
mail-already-missing = Vous ne voyez pas arriver la lettre d’information ? Pensez à regarder dans votre dossier de courrier indésirable.
mail-already-leave = Vous ne souhaitez plus recevoir la lettre d’information ? Vous pouvez vous désabonner ici :
mail-service-why = Ceci est un message unique au sujet de votre abonnement.

## Visitors

consent-text = Oui, je souhaite recevoir { $newsletter } de { $sender } par e-mail. Je peux me désabonner à tout moment en un clic, dans chaque message.
error-marked = Rien n’a encore été envoyé. Veuillez vérifier les champs signalés.
error-address-empty = Veuillez saisir votre adresse e-mail.
error-address-too-long = C’est trop long pour une adresse e-mail. Veuillez vérifier.
error-address-no-at = Une adresse e-mail contient un seul @, comme dans nom@example.org. Veuillez vérifier.
error-address-local = Nous ne pouvons pas écrire à ce qui précède le @. Vérifiez qu’il n’y a ni espace ni caractère étrange.
error-address-domain = Après le @ doit figurer un domaine, par exemple example.org. Veuillez vérifier.
error-name-too-long = Veuillez raccourcir le nom à 120 caractères au plus.
error-consent = Veuillez cocher cette case : sans votre accord, nous ne pouvons rien vous envoyer.
error-too-fast = C’était plus rapide qu’une saisie ordinaire. Veuillez appuyer encore une fois sur le bouton.
error-field-twice = Ce champ a été envoyé deux fois, avec des valeurs différentes. Veuillez le remplir une seule fois.
home-title = Lettres d’information
home-lead = Choisissez la lettre que vous souhaitez recevoir.
home-none = Il n’y a pas encore de lettre à laquelle s’abonner. Revenez plus tard.
signup-title = Abonnez-vous à { $newsletter }
signup-address = Adresse e-mail
signup-name = Nom
signup-optional = (facultatif)
signup-language = Langue
signup-language-hint = La langue dans laquelle nous vous écrivons au sujet de votre abonnement.
signup-trap = Laissez ce champ vide
signup-submit = S’abonner
signup-next = Vous recevrez un message avec un bouton. Votre abonnement ne commence que lorsque vous appuyez dessus.
latest-issue = Le dernier numéro :
inbox-title = Consultez votre messagerie
inbox = Un message de { $sender } est en route. Appuyez sur le bouton qu’il contient, et c’est terminé.
inbox-nothing = Rien reçu ?
inbox-wait = Cela peut prendre quelques minutes.
inbox-spam = Cherchez un message de { $address } parmi vos courriers indésirables.
inbox-typo = Une faute de frappe dans votre adresse ?
inbox-again = Remplir à nouveau le formulaire
inbox-valid = Le bouton fonctionne pendant 7 jours.
confirm-title = Encore un clic
confirm-lead = Appuyez sur le bouton et vous recevrez désormais { $newsletter }.
confirm-button = Oui, je m’abonne
confirm-not-you = Ce n’est pas vous qui l’avez demandé ? Fermez cette page : il ne se passera rien.
confirmed-title = Votre abonnement est confirmé
confirmed = Merci ! Vous recevrez désormais { $newsletter }.
confirmed-contacts = Ajoutez { $address } à vos contacts, pour qu’aucun numéro ne finisse parmi les indésirables.
confirmed-leave = Plus envie, un jour ? Chaque message contient un lien pour vous désabonner.
link-expired-title = Ce lien a expiré
link-expired = Un tel lien fonctionne pendant 7 jours. Abonnez-vous à nouveau et vous en recevrez un autre aussitôt.
link-unknown-title = Ce lien ne fonctionne pas
link-unknown = Peut-être a-t-il été coupé lors de la copie, ou votre abonnement a-t-il pris fin depuis. Essayez le bouton dans le message lui-même, ou abonnez-vous à nouveau.
link-again = S’abonner à nouveau
leave-title = Vous désabonner de { $newsletter } ?
leave = Appuyez sur le bouton et vous ne recevrez plus aucun numéro de { $newsletter }.
leave-button = Me désabonner
leave-stay = Vous préférez rester ? Fermez cette page : rien ne changera.
leave-pending-title = Retirer la demande pour { $newsletter } ?
leave-pending = Quelqu’un a saisi votre adresse dans le formulaire d’abonnement. Appuyez sur le bouton et la demande disparaît.
leave-pending-button = Retirer la demande
left-title = Votre abonnement a pris fin
left = Vous ne recevrez plus de messages de { $newsletter }. Merci de nous avoir lus.
left-gone = Nous ne savons plus rien de vous et ne vous enverrons plus rien.
left-mistake = Une erreur ?
left-undo = Annuler : je préfère rester
left-again = S’abonner à nouveau
undone-title = Ravis de vous retrouver
undone = Rien n’a changé : vous continuez à recevoir { $newsletter }.
undone-home = Vers la page de la lettre
undo-too-late = L’annulation est possible pendant une heure. Vous pouvez bien sûr vous abonner à nouveau.
