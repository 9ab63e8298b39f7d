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
