# Français. The same keys as in the other files; the tests compare them.

## Dates

date-long = { $day ->
    [1] 1er
   *[other] { $day }
} { $month } { $year }
date-time = { $date } à { $time }
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
page-error-unavailable = Nous ne pouvons rien enregistrer pour le moment. Rien n’est perdu : réessayez dans quelques secondes.
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
mail-why = Vous recevez cet e-mail en raison de votre abonnement à { $newsletter }.
mail-unsubscribe = Se désabonner
mail-web-why = Ceci est un numéro de { $newsletter }. Souhaitez-vous recevoir le prochain par e-mail ?
mail-web-subscribe = S’abonner
mail-confirm-subject = Confirmez votre abonnement à { $newsletter }
mail-confirm-preheader = Encore un clic et vous recevrez { $newsletter }.
mail-confirm-title = Confirmez votre abonnement
mail-confirm-who = Le { $date }, cette adresse e-mail a été saisie dans le formulaire d’abonnement à { $newsletter }.
mail-confirm-ask = C’était vous ? Confirmez alors ci-dessous que vous souhaitez recevoir la lettre d’information.
mail-confirm-button = Oui, je m’abonne
mail-confirm-link = Si le bouton ne fonctionne pas, copiez cette adresse dans votre navigateur :
mail-confirm-valid = Le lien est valable 7 jours, jusqu’au { $date }.
mail-confirm-ignore = Ce n’était pas vous ? Vous n’avez rien à faire : sans votre confirmation, nous ne vous enverrons pas la lettre d’information.
mail-confirm-stop = Souhaitez-vous que nous effacions cette demande tout de suite ? C’est possible ici :
mail-confirm-stop-link = Retirer la demande
mail-already-subject = Votre abonnement à { $newsletter } est déjà actif
mail-already-preheader = Vous n’avez rien à faire.
mail-already-title = Votre abonnement est déjà actif
mail-already-who = Le { $date }, cette adresse e-mail a été saisie dans le formulaire d’abonnement à { $newsletter }. Votre abonnement était déjà actif : rien n’a changé et vous n’avez rien à faire.
mail-already-missing = Vous ne voyez pas arriver la lettre d’information ? Pensez à regarder dans votre dossier de courrier indésirable.
mail-already-leave = Vous ne souhaitez plus recevoir la lettre d’information ? Vous pouvez vous désabonner ici :
mail-alert-paused-subject = En pause : « { $subject } »
mail-alert-paused-preheader = Personne d’autre ne le recevra avant votre décision.
mail-alert-paused-title = Un envoi est en pause
mail-alert-paused-bounces = L’envoi de { $newsletter } est en pause : plus de 5 destinataires sur 100 ont été refusés. La liste est peut-être ancienne, ou un fournisseur ne veut pas de cet e-mail.
mail-alert-paused-sender = L’envoi de { $newsletter } est en pause : le serveur de messagerie n’accepte rien de l’adresse de l’expéditeur. La personne qui gère ce serveur saura pourquoi.
mail-alert-numbers = Envoyés jusqu’ici : { $sent }. Refusés : { $bounced }.
mail-alert-paused-held = Celles et ceux qui ne l’ont pas encore reçu attendent. Consultez les réponses, puis reprenez ou annulez.
mail-alert-look = Voir l’envoi
mail-alert-why = Vous recevez cet e-mail parce que vous travaillez avec Postiljon.
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
error-consent = Veuillez cocher cette case : sans votre accord, nous ne pouvons rien vous envoyer.
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
latest-issue = Le dernier numéro :
inbox-title = Consultez votre messagerie
inbox = Un message de { $sender } est en route. Appuyez sur le bouton qu’il contient, et c’est terminé.
inbox-nothing = Rien reçu ?
inbox-wait = Cela peut prendre quelques minutes.
inbox-spam = Cherchez un message de { $address } parmi vos courriers indésirables.
inbox-typo = Une faute de frappe dans votre adresse ?
inbox-again = Remplir à nouveau le formulaire
inbox-valid = Le bouton fonctionne pendant 7 jours.
confirm-title = Encore un clic
confirm-lead = Appuyez sur le bouton et vous recevrez désormais { $newsletter }.
confirm-button = Oui, je m’abonne
confirm-not-you = Ce n’est pas vous qui l’avez demandé ? Fermez cette page : il ne se passera rien.
confirmed-title = Votre abonnement est confirmé
confirmed = Merci ! Vous recevrez désormais { $newsletter }.
confirmed-contacts = Ajoutez { $address } à vos contacts, pour qu’aucun numéro ne finisse parmi les indésirables.
confirmed-leave = Plus envie, un jour ? Chaque message contient un lien pour vous désabonner.
link-expired-title = Ce lien a expiré
link-expired = Un tel lien fonctionne pendant 7 jours. Abonnez-vous à nouveau et vous en recevrez un autre aussitôt.
link-unknown-title = Ce lien ne fonctionne pas
link-unknown = Peut-être a-t-il été coupé lors de la copie, ou votre abonnement a-t-il pris fin depuis. Essayez le bouton dans le message lui-même, ou abonnez-vous à nouveau.
link-again = S’abonner à nouveau
leave-title = Vous désabonner de { $newsletter } ?
leave = Appuyez sur le bouton et vous ne recevrez plus aucun numéro de { $newsletter }.
leave-button = Me désabonner
leave-stay = Vous préférez rester ? Fermez cette page : rien ne changera.
leave-pending-title = Retirer la demande pour { $newsletter } ?
leave-pending = Quelqu’un a saisi votre adresse dans le formulaire d’abonnement. Appuyez sur le bouton et la demande disparaît.
leave-pending-button = Retirer la demande
left-title = Votre abonnement a pris fin
left = Vous ne recevrez plus de messages de { $newsletter }. Merci de nous avoir lus.
left-gone = Nous ne savons plus rien de vous et ne vous enverrons plus rien.
left-mistake = Une erreur ?
left-undo = Annuler : je préfère rester
left-again = S’abonner à nouveau
undone-title = Vous restez parmi nous, merci !
undone = Rien n’a changé : vous continuez à recevoir { $newsletter }.
undone-home = Vers la page de la lettre
undo-too-late = L’annulation est possible pendant une heure. Vous pouvez bien sûr vous abonner à nouveau.

## Accounts

error-login-wrong = L’adresse et le mot de passe ne vont pas ensemble. Vérifiez les deux.
error-login-throttled = Il y a eu trop d’essais. Réessayez dans { $minutes ->
    [one] une minute
   *[other] { $minutes } minutes
}.
error-password-short = Choisissez au moins 8 caractères ; 15 ou plus valent mieux.
error-password-long = Choisissez au plus 200 caractères.
error-password-common = Tout le monde devine ce mot de passe. Choisissez-en un autre, par exemple quatre mots sans rapport entre eux.
error-user-exists = Il y a déjà un utilisateur avec l’adresse { $address }.
error-user-unknown = Il n’y a pas d’utilisateur avec cette adresse.

## Publishing

error-required = Remplissez ce champ.
error-too-long = Ceci compte { $chars } caractères ; le maximum est { $most }.
error-url = Donnez une adresse web complète, comme https://exemple.be/article.
error-language = Choisissez nl, en, fr ou de.
error-slug = Un nom court compte de 1 à 80 lettres minuscules, chiffres et traits d’union simples, comme insights-fr.
error-slug-taken = Ce nom court est déjà pris. Choisissez-en un autre.
error-time-zone = Donnez un fuseau horaire, comme Europe/Brussels.
error-color = Donnez une couleur sous la forme # et six chiffres, comme #0f766e.
error-marked-fields = Rien n’est encore enregistré. Veuillez vérifier les champs signalés.
error-conflict = Quelqu’un d’autre a enregistré entre-temps. Rien de votre texte n’est perdu : comparez les deux et choisissez.
error-article-not-found = Cet article n’existe plus.
error-issue-not-found = Ce numéro n’existe pas.
error-issue-scheduled = Ce numéro est planifié et ne peut plus changer. Annulez d’abord l’envoi.
error-too-many-articles = Un numéro contient au plus { $most } articles.
error-mailing-not-found = Cet envoi n’existe pas.
error-mailing-moved-on = Ce n’est plus possible : l’envoi a changé d’état. Voyez où il en est.
error-newsletter-not-found = Cette lettre d’information n’existe pas.
error-mails-per-hour = Indiquez un nombre supérieur à 0, ou n’indiquez rien.
front-matter-not-closed = Le fichier commence par --- mais le second --- manque. Placez-le seul sur une ligne sous les champs.
front-matter-no-field = Cette ligne n’est pas un champ : « { $line } ». Un champ est un nom, un deux-points et une valeur sur une ligne.
front-matter-unknown-field = Il n’y a pas de champ « { $name } ». Il y a title, author, language, teaser, canonical_url, slug et status.
front-matter-given-twice = Le champ « { $name } » y figure deux fois.
front-matter-status = « { $value } » n’est pas un statut. Écrivez draft ou published.
schedule-bad-time = Donnez une date et une heure, comme 2027-03-28 09:00.
schedule-past = Ce moment est passé. Choisissez-en un plus tard, ou envoyez maintenant.
schedule-too-far = C’est dans plus de deux ans. Vérifiez l’année.
schedule-blocked = Ce numéro ne peut pas encore être envoyé.
test-mail-blocked = Un e-mail de test a besoin d’un objet et de textes sans erreurs. Regardez les contrôles.
check-place-issue = Numéro
check-place-subject = Objet
check-place-preheader = Ligne d’aperçu
check-place-intro = Introduction
check-place-newsletter = Lettre d’information
check-subject-empty = Écrivez un objet.
check-subject-long = Plus de 90 caractères : la plupart des messageries le couperont.
check-preheader-empty = Sans elle, les messageries montrent les premiers mots de l’e-mail.
check-preheader-repeats = Elle dit la même chose que l’objet.
check-no-postal-address = La loi demande une adresse postale dans chaque numéro.
check-no-articles = Ajoutez au moins un article.
check-article-draft = Cet article est un brouillon. Publiez-le d’abord.
check-article-empty = Cet article n’a pas de texte.
check-teaser-without-url = En accroche, il lui faut une adresse où lire le tout. Ajoutez-en une, ou montrez-le en entier.
check-teaser-empty = Il n’a pas d’accroche : il n’y aura que le titre et un lien.
check-article-language = Il est en { $language }, la lettre en { $expected }.
check-heavy = L’e-mail pèse { $size } Ko. Au-delà de { $most } Ko, Gmail le coupe.
check-too-heavy = L’e-mail pèse { $size } Ko, plus que { $most } : Gmail en cacherait la fin, avec le lien de désinscription. Montrez certains articles en accroche.
check-image-alt = Cette image n’a pas de description : { $what }
check-image-http = Cette image n’est pas en https, et beaucoup de messageries ne la montreront pas : { $what }
check-image-left-out = Cette image ne peut pas figurer dans un e-mail et a été omise : { $what }
check-link-left-out = Ce lien ne peut pas figurer dans un e-mail ; son texte est resté : { $what }
check-html-as-text = Le HTML n’est pas utilisé ici et s’affichera comme texte : { $what }
check-text-too-long = Le texte est trop long pour un e-mail. Découpez-le en articles.
check-text-too-deep = Des listes ou citations sont imbriquées trop profondément.
check-url = Ce n’est pas une adresse web : { $url }
check-field-unknown = Il n’y a pas de champ « { $field } ». Écrivez name avec un mot pour qui n’a pas donné de nom, ou newsletter.
check-field-no-fallback = Le champ « { $field } » a besoin d’un mot pour qui n’a pas donné de nom, après une barre : name|lecteur.
check-field-unclosed = Le champ qui commence par « { $field } » n’a pas d’accolades fermantes sur sa ligne.
check-field-in-url = Le champ « { $field } » figure dans l’adresse d’un lien ou d’une image, où il n’est pas rempli.

## Desk

desk-skip = Aller au contenu
desk-menu = Menu
desk-home = Accueil
desk-articles = Articles
desk-issues = Numéros
desk-log-out = Se déconnecter
desk-login-title = Se connecter
desk-login = Se connecter
desk-password = Mot de passe
desk-welcome = Bonjour { $name }
desk-next = À faire
desk-next-newsletter-title = Ajoutez une lettre d’information
desk-next-newsletter = Il n’y a pas encore de lettre. La personne qui gère ce serveur en ajoute une en ligne de commande.
desk-next-newsletter-action = Ajouter une lettre
desk-next-article-title = Écrivez votre premier article
desk-next-article = Un numéro est fait d’articles. Écrivez-en un en Markdown et voyez aussitôt le résultat.
desk-next-article-action = Écrire un article
desk-next-issue-title = Composez un numéro
desk-next-issue = Il y a des articles. Choisissez-en, ordonnez-les et envoyez-les.
desk-next-issue-action = Nouveau numéro
desk-next-finish-title = Terminez le numéro
desk-next-finish = « { $subject } » n’est pas encore planifié.
desk-next-finish-action = Continuer
desk-next-scheduled-title = Un numéro est prêt à partir
desk-next-scheduled = « { $subject } » est planifié. Vous pouvez encore annuler.
desk-next-scheduled-action = Regarder
desk-next-sending-title = Un numéro est en route
desk-next-sending = « { $subject } » est en cours d’envoi.
desk-next-sending-action = Suivre les chiffres
desk-next-paused-title = Un envoi est en pause
desk-next-paused = « { $subject } » attend votre décision.
desk-next-paused-action = Voir
desk-next-again-title = Le dernier numéro est envoyé
desk-next-again = « { $subject } » est chez ses lecteurs. Le suivant ?
desk-next-again-action = Nouveau numéro
desk-latest-issues = Derniers numéros
desk-latest-articles = Derniers articles
desk-no-issues = Il n’y a pas encore de numéros.
desk-no-articles = Il n’y a pas encore d’articles.
desk-issue-name = { $newsletter }, numéro { $number }
desk-issue-new = Nouveau numéro
desk-article-new = Nouvel article
desk-no-subject = (pas encore d’objet)
desk-readers = { $count ->
    [one] { $shown } lecteur confirmé
   *[other] { $shown } lecteurs confirmés
}
desk-article-count = { $count ->
    [one] { $count } article
   *[other] { $count } articles
}
desk-sent-of = { $sent } sur { $audience } envoyés
desk-sent-in = déjà dans { $newsletter }, numéro { $number }
desk-status = Statut
desk-status-draft = Brouillon
desk-status-published = Publié
desk-status-scheduled = Planifié
desk-status-sending = En cours d’envoi
desk-status-paused = En pause
desk-status-sent = Envoyé
desk-status-cancelled = Annulé
desk-all = Tous
desk-show = Afficher
desk-show-all = Tout afficher
desk-search = Chercher dans le titre, l’auteur et le texte
desk-search-button = Chercher
desk-nothing-found = Rien n’a été trouvé. Essayez d’autres mots.
desk-pages = Pages
desk-newer = ← Plus récents
desk-older = Plus anciens →
desk-done-saved = Enregistré.
desk-done-published = Enregistré et publié.
desk-done-drafted = Enregistré, et de nouveau un brouillon.
desk-done-tested = L’e-mail de test est en route.
desk-done-cancelled = Annulé. Rien n’a été envoyé.
desk-done-sending = L’envoi commence.
desk-done-stopped = Annulé. Ceux qui n’avaient pas encore été atteints ne reçoivent rien.
desk-done-paused = En pause. Les e-mails déjà en route vont jusqu’au bout.
desk-done-resumed = L’envoi reprend.
desk-done-again = Un nouvel envoi leur est destiné.
desk-done-again-paused = Un nouvel envoi leur sera destiné dès la reprise.
desk-article-title = Titre
desk-article-author = Auteur
desk-article-teaser = Accroche
desk-article-teaser-hint = Deux ou trois phrases qui peuvent remplacer le tout dans un numéro.
desk-article-body = Texte
desk-article-body-hint = En Markdown ; l’aperçu suit pendant que vous écrivez.
desk-article-url = Adresse sur le web
desk-article-url-hint = Où lire le tout ; une accroche y renvoie.
desk-article-slug = Nom court
desk-markdown = Comment écrire en Markdown
desk-markdown-heading = Un titre
desk-markdown-bold = gras
desk-markdown-italic = italique
desk-markdown-link = un lien
desk-markdown-image = ce que montre l’image
desk-markdown-list = un point
desk-markdown-quote = une citation
desk-markdown-reader = lecteur
desk-save = Enregistrer
desk-save-draft = Enregistrer comme brouillon
desk-publish = Publier
desk-unpublish = Remettre en brouillon
desk-preview = Aperçu
desk-saved-at = Enregistré le { $at }.
desk-appearances = Dans les numéros
desk-conflict-theirs = Ce que quelqu’un d’autre a enregistré
desk-conflict-choose = Ci-dessous, ce que vous avez écrit. Reprenez ce qu’il vous faut ; enregistrer maintenant garde votre texte.
desk-later = (peut attendre)
desk-continue = Continuer
desk-preheader-hint = La ligne que les messageries montrent après l’objet.
desk-intro-hint = Quelques mots au-dessus des articles, en Markdown.
desk-inbox = Dans une boîte de réception
desk-issue-empty = Pas encore d’articles. Choisissez-en ci-dessous.
desk-position-of = Position de « { $title } »
desk-display-of = Présentation de « { $title } »
desk-display-full = En entier
desk-display-teaser = En accroche
desk-move-up = Monter « { $title } »
desk-move-down = Descendre « { $title } »
desk-remove = Retirer « { $title } »
desk-add-articles = Ajouter des articles
desk-nothing-to-add = Il n’y a pas d’autres articles.
desk-add = Ajouter les articles choisis
desk-checks = Contrôles
desk-checks-none = Tout est en ordre.
desk-check-error = À corriger :
desk-check-warning = Conseil :
desk-save-preview = Enregistrer et voir l’aperçu
desk-save-schedule = Enregistrer et planifier
desk-preview-title = Tel qu’il arrivera
desk-preview-none = Ceci ne peut pas encore être montré. Les contrôles disent pourquoi.
desk-views = Vues
desk-view-desktop = Ordinateur
desk-view-phone = Téléphone
desk-view-text = Texte brut
desk-back-to-issue = Retour au numéro
desk-to-schedule = Planifier
desk-test = E-mail de test
desk-test-send = Envoyer un e-mail de test
desk-schedule-title = Planifier
desk-what = Quoi
desk-no-readers = Personne n’a encore confirmé : personne ne le recevrait maintenant.
desk-who = À qui
desk-when = Quand
desk-when-now = Tout de suite
desk-when-later = À un moment que je choisis :
desk-date = Date
desk-time = Heure
desk-zone = Les heures sont dans le fuseau horaire de la lettre, { $zone }.
desk-final = Un dernier regard
desk-sentence-now = « { $subject } » part tout de suite vers { $readers } de { $newsletter }.
desk-sentence-at = « { $subject } » part vers { $readers } de { $newsletter } le { $at }.
desk-send-now = Envoyer maintenant
desk-schedule = Planifier
desk-change = Modifier
desk-when-scheduled = Part le { $at }.
desk-when-sending = Commencé le { $at }.
desk-when-paused = En pause. Commencé le { $at }.
desk-when-sent = Terminé le { $at }.
desk-when-cancelled = Annulé le { $at }. Rien n’a été envoyé.
desk-count-audience = Lecteurs
desk-count-sent = Envoyés
desk-count-open = Restants
desk-count-deferred = En attente
desk-count-bounced = Refusés
desk-count-skipped = Partis entre-temps
desk-count-uncertain = Incertains
desk-count-expired = Abandonnés
desk-sent-means = « Envoyé » veut dire que le serveur de messagerie l’a accepté. Personne ne sait avec certitude s’il est arrivé et lu.
desk-cancel-words = Avant qu’il commence, vous pouvez encore l’arrêter et modifier le numéro.
desk-web-view = Le lire tel qu’il a été envoyé
desk-when-stopped = Annulé en cours de route le { $at }. Ceux qui n’avaient pas été atteints n’ont rien reçu.
desk-count-claimed = En route
desk-count-not-sent = Non envoyés
desk-undo = Vous pourrez encore l’annuler pendant { $seconds } secondes.
desk-countdown = Part dans
desk-rate = environ { $count } e-mails par minute
desk-left-soon = moins d’une minute restante
desk-left-minutes = { $count ->
    [one] encore environ une minute
   *[other] encore environ { $count } minutes
}
desk-left-hours = { $count ->
    [one] encore environ une heure
   *[other] encore environ { $count } heures
}
desk-left-days = { $count ->
    [one] encore environ un jour
   *[other] encore environ { $count } jours
}
desk-paused-user = Quelqu’un a mis cet envoi en pause.
desk-paused-user-what = Ceux qui ne l’ont pas encore reçu attendent. Reprenez l’envoi, ou annulez le reste.
desk-paused-bounces = Mis en pause automatiquement : { $bounced } sur { $attempts } ont été refusés.
desk-paused-bounces-what = C’est plus de 5 sur 100, ce que les fournisseurs reprochent à un expéditeur. Lisez quelques réponses. Les adresses n’existent pas ? La liste est ancienne : annulez le reste. Un fournisseur ne veut pas de cet e-mail ? Demandez à la personne qui s’occupe du serveur d’envoi. Si vous reprenez, l’envoi ne s’arrêtera plus pour cette raison.
desk-paused-sender = Mis en pause automatiquement : le serveur d’envoi n’accepte pas cet expéditeur.
desk-paused-sender-what = La personne qui s’occupe du serveur d’envoi peut autoriser l’adresse de l’expéditeur. Personne n’est abandonné : reprenez ensuite.
desk-paused-restored = En pause : la base de données a été restaurée à partir d’une copie.
desk-paused-restored-what = Certains l’ont peut-être déjà reçu, même si les chiffres ne le disent pas. Si vous reprenez, ils le recevront deux fois ; si vous annulez, les autres ne recevront rien.
desk-paused-replies = Lire les réponses
desk-waiting = Ce qui attend, et où
desk-destination = Destination
desk-destination-other = Tous les autres domaines
desk-waiting-count = En attente
desk-waiting-due = Prochain essai
desk-due-now = dès qu’il y a de la place
desk-more-than = plus de { $count }
desk-move-send-now = Envoyer tout de suite
desk-move-cancel = Annuler l’envoi
desk-move-pause = Mettre en pause
desk-move-resume = Reprendre
desk-move-resend-failed = Réessayer les refusés
desk-move-resend-uncertain = Renvoyer aux incertains
desk-ask-send-now = L’envoi part maintenant vers tout le monde, et non au moment choisi.
desk-ask-cancel = Lecteurs qui l’ont déjà : { $sent }. Ils le gardent. Lecteurs qui ne recevront alors rien : { $count }. Cela ne peut pas être annulé.
desk-ask-resend-failed = Lecteurs pour lesquels on réessaie : { $count }. Les adresses qui n’existent pas sont laissées de côté ; les { $sent } qui l’ont reçu ne reçoivent rien.
desk-ask-resend-uncertain = Lecteurs dont personne ne sait s’ils l’ont reçu : { $count }. Ceux qui l’ont déjà le recevront peut-être une deuxième fois. Les { $sent } qui l’ont à coup sûr ne reçoivent rien.
desk-sure-send-now = Oui, envoyer maintenant
desk-sure-cancel = Oui, annuler le reste
desk-sure-resend-failed = Oui, réessayer
desk-sure-resend-uncertain = Oui, leur renvoyer
desk-to-ledger = Voir chaque lecteur
desk-ledger = Ce qu’il en est de chaque lecteur
desk-back-to-mailing = Retour à l’envoi
desk-outcome = Résultat
desk-ledger-search = Chercher une adresse
desk-ledger-nothing = Aucun lecteur ne correspond. Choisissez un autre résultat, ou une autre partie de l’adresse.
desk-ledger-empty = Personne n’a encore été atteint.
desk-address = Adresse
desk-erased = (effacé)
desk-tries = Essais
desk-doubts = Doutes
desk-relay = Serveur
desk-moment = Quand
desk-reply = Réponse
desk-next-try = prochain essai { $at }
desk-first-page = ← Au début
desk-next-page = Suivant →
desk-refusal-address = cette boîte n’existe pas
desk-refusal-mailbox = la boîte est pleine ou fermée
desk-refusal-message = l’e-mail lui-même a été refusé
desk-refusal-policy = le destinataire n’en veut pas
desk-refusal-sender = le serveur refuse l’expéditeur
desk-refusal-other = pour une autre raison
