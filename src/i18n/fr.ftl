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
mail-confirm-stop = Vous ne souhaitez pas non plus de rappel de cette demande ? Vous pouvez l’indiquer ici :
mail-confirm-stop-link = Retirer la demande
mail-already-subject = Vous êtes déjà abonné(e) à { $newsletter }
mail-already-preheader = Vous n’avez rien à faire.
mail-already-title = Vous êtes déjà abonné(e)
mail-already-who = Le { $date }, cette adresse e-mail a été saisie dans le formulaire d’abonnement à { $newsletter }. Vous étiez déjà sur la liste : rien n’a changé et vous n’avez rien à faire.
mail-already-missing = Vous ne voyez pas arriver la lettre d’information ? Pensez à regarder dans votre dossier de courrier indésirable.
mail-already-leave = Vous ne souhaitez plus recevoir la lettre d’information ? Vous pouvez vous désabonner ici :
mail-service-why = Ceci est un message unique au sujet de votre abonnement.
