"""Words that tell nothing about what a text is about, in the languages that are met most. Of three letters or more."""

from __future__ import annotations

from collections.abc import Mapping

_LISTS = (
    # English
    """
    about above after again all also although always among and another any anyone anything are because been before being
    below between both but can cannot come could did didn does doesn doing don done down during each either else even
    ever every everyone everything few for from get gets getting give given gives goes going got had has hasn have haven
    having her here hers him his how however into isn its itself just know let like made make makes making many may
    maybe might more most much must myself never nor not nothing now off often once one only onto other others our out
    over own please put rather really said same say says see seem seems shall she should since some someone something
    still such take than that the their them then there these they thing things this those though through thus together
    too toward towards under until upon use used uses using very via want wants was wasn way well went were weren what
    when where whether which while who whom whose why will with within without won would yes yet you your yours yourself
    """,
    # German
    """
    aber alle allem allen aller alles als also andere anderen auch auf aus bei beim bin bis bist bitte dabei dadurch
    dafür damit dann daran darauf darf das dass dein deine dem den denn der des dich die dies diese diesem diesen dieser
    dieses dir doch dort durch ein eine einem einen einer eines einmal etwas euch euer für gegen gibt hab habe haben hat
    hatte hatten hier hin hinter ich ihm ihn ihnen ihr ihre ihrem ihren ihrer immer ist jede jedem jeden jeder jedes
    jetzt kann kannst kein keine keinen keiner können könnte machen man manche mehr mein meine meinem meinen meiner mich
    mir mit muss müssen nach nicht nichts noch nun nur oder ohne schon sehr sein seine seinem seinen seiner seit sich
    sie sind solche soll sollen sollte sondern sonst und uns unser unsere unter viel vom von vor wann war waren warum
    was weil weiter welche welcher wenn wer werde werden wie wieder will wir wird wirst wollen worden wurde wurden zum
    zur zwischen über
    """,
    # French
    """
    afin ainsi alors après aucun aussi autre autres aux avait avant avec avez avoir avons bien car ceci cela celle
    celles celui ces cet cette ceux chaque chez comme comment dans depuis des deux doit donc dont elle elles encore
    entre est eux faire fait faut font ici ils jamais les leur leurs lors lui mais merci mes moi moins mon même non nos
    notre nous ont par parce pas pendant peu peut peux plus pour pourquoi puis quand que quel quelle quelles quels qui
    quoi sans sera ses seulement son sont sous suis sur tes toi ton toujours tous tout toute toutes très une vos votre
    vous était être
    """,
    # Spanish
    """
    además algo alguna algunas alguno algunos allí ante antes aquel aquella aquí así aunque bajo bien cada casi como con
    contra cual cuando cuándo cuánto cómo debe del desde donde dos dónde ella ellas ello ellos entonces entre era eran
    eres esa esas ese eso esos estas este esto estos estoy está están favor fue fueron gracias haber había hace hacer
    hacia han hasta hay las les los luego mas mientras mis mismo muchas mucho muchos muy más nada nos nosotros nuestra
    nuestro nunca otra otras otro otros para pero poco por porque puede pueden puedo pues que quien quiero quién qué
    según ser sido siempre sin sobre solo son soy sus sólo también tanto tener tengo tiene tienen toda todas todavía
    todo todos tras una unas uno unos usted ustedes van vez
    """,
    # Italian
    """
    adesso alla alle allo altra altre altri altro anche ancora avere aveva ben bene che chi ciò come con contro cosa
    così cui dal dalla dalle dallo degli dei del della delle dello dentro deve devo dopo dove dunque era erano essere
    fare fatto fino fra già gli grazie hai hanno loro mai meno mentre mia mie miei mio molto nei nel nella nelle nello
    noi non nostra nostro nulla ogni oppure per perché però più poi posso può quale quando quanto quasi quella quelle
    quelli quello questa queste questi questo qui sarà sei sempre senza sia siamo sono sopra sotto sta stata stato sua
    sue sugli sul sulla suo suoi tra tua tue tuo tutta tutte tutti tutto una uno voi vorrei vostra vostro
    """,
    # Portuguese
    """
    agora ainda alguma algumas alguns alguém ante antes após aquela aquele aquilo assim até bem cada com como contra
    cujo das dela dele deles depois desde dessa desse desta deste deve dos durante ela elas ele eles entre era essa
    essas esse esses esta estas estava este estes estou está estão faz fazer foi for foram fosse havia isso isto lhe
    mais mas menos mesma mesmo meu meus minha minhas muita muito muitos nada nas nem nenhum nos nossa nosso nunca não
    obrigado onde ontem outra outras outro outros para pela pelas pelo pelos per pode podem pois por porque porquê posso
    quais qual quando quanto que quem quero sem sempre ser seu seus sido sob sobre sua suas são também tem tenho ter
    teve toda todas todo todos tudo uma umas uns você vocês
    """,
    # Dutch
    """
    aan achter alle alleen als altijd andere anders beide ben bent bij binnen daar dan dat deze die dit doch doen doet
    door dus een eens eigen elk elke enige ergens geen haar had heb hebben heeft hem hen het hier hij hoe hun ieder
    iemand iets jij jou jouw jullie kan kon kunnen maar mag meer men met mij mijn moet moeten naar niet niets nog nooit
    onder ons onze ook over reeds sinds sommige steeds tegen toch toen tot tussen uit vaak van veel via vol voor waar
    waarom wanneer want waren was wat weer wel welke werd wie wij wil willen worden wordt zal zelf zich zij zijn zonder
    zou zouden
    """,
)
LISTS = tuple(frozenset(words.split()) for words in _LISTS)


def stop_words(counts: Mapping[str, int]) -> frozenset[str]:
    """The stop words of the language that these words, with how often they stand in the texts, are most of.

    Of one language only: a stop word of one means something in another ("war", "die", "main").
    """
    seen = [sum(counts.get(word, 0) for word in words) for words in LISTS]
    return LISTS[seen.index(max(seen))] if max(seen) else frozenset()
