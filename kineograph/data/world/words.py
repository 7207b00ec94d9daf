"""The words for the World's labels: each canonical label with the many ways to say it, the commonest first.

Verb phrases stand in their base form and are bent at their first word. `{his}` and `{he}` become the actor's pronouns,
`{c}` what the phrase is about: the companion, or the colour. Articles are all "a"; the grammar writes "an" where it is
due. Nothing but the colours' own table names a colour. Many a synonym is left out on purpose: `paraphrases.py` asks
with words that no caption contains.
"""

from functools import cache

from kineograph.data.world.scene import KIND, VOID

Table = dict[str, tuple[str, ...]]


def table(text: str) -> Table:
    """A label before each colon, its phrases after it between slashes; an indented line goes on with the one before."""
    lines = text.replace("\n ", " ").strip().splitlines()
    rows = (line.split(":", 1) for line in lines)
    return {label: tuple(phrase.strip() for phrase in phrases.split("/")) for label, phrases in rows}


# "=" marks a name, which goes without an article; "|" in a plural divides off what stands before the adjectives.
NOUNS = table("""
teddy bear: teddy bear / teddy / toy bear / stuffed bear / plush bear / stuffed toy bear / soft toy bear
 / stuffed animal / soft toy / teddybear / furry toy bear / toy animal filled with cotton / child's toy bear
panda: panda / panda bear / fluffy panda / panda cub / giant panda / panda from China / chubby panda / Chinese bear
rabbit: rabbit / bunny / bunny rabbit / long-eared rabbit / lop-eared rabbit / wild rabbit / woodland rabbit
 / bunny with long ears / jackrabbit
penguin: penguin / king penguin / penguin chick / penguin from the South Pole / emperor penguin
 / polar bird in a tailcoat / little penguin / bird from the South Pole / penguin that cannot fly
astronaut: astronaut / spaceman / space explorer / astronaut in a spacesuit / space traveller / space traveler
 / moonwalker / space pilot / man in a spacesuit / woman in a spacesuit / member of a space crew / spacewoman
robot: robot / toy robot / metal robot / mechanical man / robot made of metal / bot / humanoid robot / humanoid
 / tin man / walking machine / artificial man / machine with arms and legs / mechanical being
superhero: superhero / =Spiderman / super hero / masked hero / hero in a cape / superhero with a mask / =Spider-Man
 / spider man / caped hero / comic-book hero / hero with superpowers / =Wonder Woman / =Captain America / =Iron Man
 / =Hulk / masked avenger
girl: girl / young girl / girl with pigtails / schoolgirl / little miss / young lady / daughter / sister / gal
 / schoolgirl with pigtails / little princess
boy: boy / young boy / boy with a cap / schoolboy / son / brother / young fellow / young man / kid in a cap / chap
 / little guy / youngster
mother: mother / =mother / mom / mum / woman / =mom / =mum / lady / mommy / mummy / homemaker / wife / grown-up woman
 / parent / madam / housekeeper
cat: cat / kitten / kitty / pussycat / house cat / tomcat / purring cat / pet cat / Siamese cat / cat with whiskers
 / Persian cat / tom
dog: dog / puppy / doggy / pup / pooch / poodle / beagle / retriever / bulldog / sheepdog / dachshund / pet dog / canine
 / barking dog
horse: horse / pony / riding horse / horse with a long mane / steed / racehorse / foal / colt / mustang / neighing horse
 / filly
elephant: elephant / elephant with a trunk / elephant with a long trunk / elephant calf / wild elephant
 / zoo elephant / elephant with tusks / big-eared elephant / jumbo / mammoth
duck: duck / duckling / ducky / farm duck / drake / wild duck / pond duck / quacking duck / eider / waterfowl
bird: bird / songbird / birdie / feathered bird / finch / canary / parakeet / nightingale / thrush / dove / swallow
 / starling / chirping bird
owl: owl / wise owl / barn owl / owlet / tawny owl / eagle owl / bird of the night / screech owl
 / owl with big round eyes
butterfly: butterfly / garden butterfly / butterfly with patterned wings / winged butterfly / moth / peacock butterfly
 / admiral butterfly / winged insect / insect with large wings
dragon: dragon / dragon with wings / fairy-tale dragon / winged dragon / fire dragon / winged monster / flying lizard
 / monster with wings / beast that breathes fire / winged serpent
fish: fish / tropical fish / single fish / fish with fins / goldfish / carp / perch / tuna / cod / pike / mackerel
 / fish with scales
fishes: |colorful fishes / |colourful fish / a school of |fish / |colourful fishes / a school of |colorful fish
 / |fishes / a shoal of |fish / a group of |colourful fish / |colorful fish / |tropical fishes
 / many |fish / several |fish / |herrings / |anchovies
shark: shark / sharp-toothed shark / shark with sharp teeth / hungry shark / tiger shark / man-eating shark
 / predatory fish / big-toothed shark / predator of the sea / basking shark
octopus: octopus / octopus with eight arms / eight-armed octopus / sea octopus / squid / cuttlefish
 / octopus with suckers / creature with eight arms / mollusc with eight arms
turtle: turtle / sea turtle / turtle with a shell / old turtle / terrapin / snapping turtle / reptile with a shell
 / shelled reptile / slow turtle
car: car / automobile / motorcar / auto / taxi / limousine / hatchback / sports car / racing car / passenger car
 / family car / coupe
truck: truck / lorry / delivery truck / box truck / pickup / heavy truck / dump truck / cargo truck / freight truck
 / articulated truck / van
bus: bus / city bus / school bus / passenger bus / bus full of passengers / coach / tour bus / omnibus / shuttle bus
 / public bus / trolleybus / bus with two decks
train: train / steam train / railway train / train with a waggon / express train / railroad train / passenger train
 / steam engine / railway engine / freight train / tram
bicycle: bicycle / bike / cyclist on a bicycle / person on a bike / mountain bike / pushbike / racing bike / cyclist
 / velocipede / cycle
boat: boat / sailboat / sailing boat / ship / sailing ship / vessel / sloop / catamaran / ketch / sailing vessel / canoe
 / galleon / fishing boat
balloon: balloon / toy balloon / party balloon / balloon on a string / gas balloon / birthday balloon
 / balloon filled with gas / air-filled balloon / round balloon
hot-air balloon: hot-air balloon / hot air balloon / balloon with a basket / hot-air balloon with a basket / aerostat
 / balloon with passengers / balloon with a burner / big balloon carrying a basket / passenger balloon
aeroplane: aeroplane / airplane / plane / propeller plane / aircraft / jet plane / jumbo jet / passenger plane / airbus
 / jet / propeller aircraft / glider
rocket: rocket / space rocket / rocket ship / spaceship / space shuttle / starship / moon rocket / space vehicle
 / missile / space capsule / spaceplane
ball: ball / toy ball / rubber ball / striped ball / beach ball / basketball / volleyball / soccer ball / globe
 / round ball / bouncy ball / tennis ball
kite: kite / kite with a tail / paper kite / toy kite / kite on a string / box kite / kite made of paper / stunt kite
 / wind toy on a string / toy sail on a string
""")

VERBS = table("""
walks: walk / stroll / go for a walk / march / take a walk / walk along / step along / go on foot / hike / saunter
 / pace / tramp / stride / tread / go for a hike / march along
runs: run / race / dash / run along / sprint / hurry / rush / run fast / scurry / rush along / tear along / bolt / scoot
 / race along / speed
jumps: jump / jump up and down / leap / jump into the air / leap up / leap into the air / jump up high / spring up
 / spring into the air / leap high / jump for joy / do leaps / hurdle
hops: hop / hop along / hop on both feet / make hops / take quick hops / hop forward / hop around / bunny-hop / frolic
 / caper / leap along / jump along on one leg
dances: dance / do a dance / dance to the music / boogie / dance about / groove / perform a dance / show a dance / jive
 / do the twist / do a jig / do ballet / do the samba / do the salsa / rock and roll / disco / prance
swims: swim / paddle / swim along / go for a swim / go swimming / swim about / swim forward / do the crawl / swim laps
 / splash along / wade / take a dip / doggy-paddle
dives: dive / dive down / go down / plunge / sink down / dive head first / plunge down head first / sink
 / sink to the bottom / go deeper and deeper / duck under / swim downwards / go to the bottom
surfs: surf / ride a wave / ride a surfboard / surf on a wave / ride the waves / catch a wave / stand on a surfboard
 / windsurf / ride the surf / surf the swell / ride on a board / stand on a board on the waves / ride a big wave
flies: fly / fly through the air / glide / fly along / zoom through the air / glide through the air / fly by / whoosh by
 / rush through the air / travel the sky / wing along / sail through the air / jet along
floats up: float up / float upwards / rise / drift up / rise up / float upward / drift upwards / rise higher and higher
 / climb / levitate / go up / climb higher and higher / go up and up / lift upwards / mount upwards
falls: fall / fall down / fall from the sky / drop / drop down / tumble down / fall from above / drop from above
 / come crashing down / crash down / come down / drop like a stone / fall to the ground / drop out of the sky
bounces: bounce / bounce up and down / bounce off the ground / bounce again and again / bounce high / bounce around
 / spring up and down / bounce back up / leap up and come down again / bounce like rubber / spring back
rolls: roll / roll along / roll on the ground / roll over and over / roll by / roll past / tumble along
 / turn over and over / roll away / wheel along / roll across
drives: drive / drive along / ride / travel / drive by / drive past / speed along / roll along / go along / zoom by
 / move along / race by / rush by / hurry along / go for a ride
sails: sail / sail along / float / sail past / sail by / glide along / go sailing / navigate / set sail / drift along
 / journey / float by / travel over the water / ply the waves
launches: launch / take off / lift off / launch into the sky / shoot up / shoot up into the sky / fly up into the sky
 / start into the sky / rocket up / leave the ground / head for the sky / rise on a tail of fire / fire {his} engines
 / start up
spins: spin / spin around / turn around and around / whirl around / spin in circles / turn in circles / whirl
 / spin like a top / turn / turn round and round / circle on the spot / swirl / swivel / go round in circles
 / whirl round
waves: wave / wave hello / wave {his} hand / wave at us / wave goodbye / wave {his} arm / wave to the viewer
 / say hello with {his} hand / signal with {his} arm / beckon / swing {his} arm / say goodbye / gesture hello
sits down: sit down / sit / take a seat / sit down to rest / have a seat / sit down for a rest / settle down / plop down
 / kneel / perch / sink to the ground / relax on the ground / rest sitting
sleeps: sleep / nap / take a nap / lie asleep / have a nap / rest with closed eyes / lie sleeping / dream / lie dreaming
 / fall asleep / drowse / hibernate / have a siesta / lie down and sleep / rest with eyes shut
washes a window: wash a window / wash the window / clean a window / clean the window / wipe a window
 / wipe the window clean / wash the window pane / clean a window with a cloth / rub the window / sponge the window
 / rinse the window / rub a window pane / sponge down the panes / do the windows
plays with a ball: play with a ball / play ball / kick a ball / play with the ball / kick a ball around
 / play a ball game / play with {his} ball / play soccer / play basketball / kick a soccer ball / throw a ball about
 / toss a ball / shoot at goal
walks a dog: walk {his} dog / walk a dog / walk the dog / take a dog for a walk / take {his} dog for a walk
 / walk with a dog on a lead / lead a dog / go for a walk with {his} dog / walk with {his} dog / walk a puppy
 / walk a poodle / take {his} beagle for a walk / take the puppy out / go out with the dog / lead a poodle
 / go for a hike with {his} dog
watches fireworks: watch fireworks / watch the fireworks / look at fireworks / look at the fireworks
 / admire the fireworks / enjoy the fireworks / watch a fireworks show / look up at the fireworks
 / stare at the fireworks / see the fireworks / behold the fireworks / watch rockets burst / observe the fireworks
 / look up at bursting rockets / wonder at the fireworks
""")
VERBS_OF = table("""
fowl flies: fly / fly by / flutter / glide / fly along / flap {his} wings / glide through the air / fly through the air
 / wing along / travel the sky / sail through the air
dragon flies: fly / fly by / glide / fly along / flap {his} wings / glide through the air / fly through the air
 / wing along / whoosh by / travel the sky
butterfly flies: fly / flutter / flit / flutter by / flutter about / flap {his} wings / flit about
balloon flies: fly / float / drift / fly along / glide / float along / drift by
kite flies: fly / fly through the air / glide / fly high up / float / flutter
rocket flies: fly / shoot / speed / fly along / zoom / travel / speed along
beast walks: walk / stroll / walk along / go for a walk / walk on four legs / step along / march / hike / pace / tramp
 / pad along / trek / saunter
turtle walks: walk / crawl / crawl along / walk along / go for a walk / step along / creep / creep along / inch along
 / shuffle / tramp
dragon walks: walk / walk along / march / stomp along / stroll / stomp / tramp / pace / shuffle along
beast swims: swim / paddle / swim along / go swimming / paddle along / swim about / splash along / wade / doggy-paddle
 / swim laps
fowl swims: swim / paddle / swim along / float along / paddle along / swim about
swimmer swims: swim / swim along / glide along / swim by / swim about / swim past / wriggle along / flit by
 / splash along
swimmer jumps: jump / jump out of the water / leap out of the water / leap / jump out of the waves / leap up high
 / spring out of the water / shoot out of the water / spring up
octopus dances: dance / do a dance / dance with all eight arms / groove / dance about / jive / do the twist / do a jig
 / wriggle to the music / do the samba
bicycle drives: ride / cycle / ride along / cycle along / drive / go by / roll along / ride by
train drives: drive / ride / travel / go by / drive along / roll by / roll along the tracks / speed along
ball falls: fall / fall down / fall from the sky / drop / drop down / drop from above
""")  # kind or who, then the act: what such a body is said to do instead
MERGED = table("""
dives under water: go under water / dive under water / sink down into the deep / go down under water
 / dive below the surface / plunge under water / dive down into the sea / sink under water / go underwater
 / duck under water / sink to the bottom of the sea / swim down into the deep / dip below the surface
""")  # an act that tells its place
UNDER_FIREWORKS = ("", "", "at night", "in the night sky", "in the sky", "in the dark night")  # where they are watched
IRREGULAR = {
    "run": "running", "swim": "swimming", "spin": "spinning", "hop": "hopping", "sit": "sitting", "drop": "dropping",
    "step": "stepping", "lie": "lying", "nap": "napping", "flit": "flitting", "flap": "flapping",
    "boogie": "boogieing",
}  # fmt: skip

RELATED = table("""
chases: chase {c} / run after {c} / race after {c} / chase after {c} / run behind {c} / dash after {c}
 / hurry after {c}
walks with: walk with {c} / stroll with {c} / walk along with {c} / go for a walk with {c} / walk together with {c}
 / take a walk with {c} / walk side by side with {c}
next to: next to {c} / beside {c} / at the side of {c} / right next to {c} / close to {c}
""")  # what the one does to the other; "next to" goes with any verb
TOGETHER = ("", "together", "side by side", "next to each other")  # how two do the same thing
PROPS = table("""
fishes: with colorful fishes / with colourful fish / among colorful fish / with a school of fish / with fishes
 / together with colourful fishes / surrounded by colorful fish / between colourful fishes
puddle: through a puddle / through a puddle of water / in a puddle / through the puddle / in a puddle of water
""")
MANNERS = table("""
walks: slowly / happily / calmly / quietly
runs: quickly / fast / swiftly / at full speed / as fast as {he} can
jumps: happily / cheerfully / merrily / joyfully
hops: happily / cheerfully / merrily
dances: happily / cheerfully / joyfully / wildly
swims: slowly / calmly / happily / quietly
surfs: happily / bravely / joyfully
flies: slowly / quickly / gracefully
floats up: slowly / gently / softly
drives: slowly / quickly / fast
rolls: slowly / quickly
sails: slowly / gently / calmly
spins: quickly / slowly / wildly
waves: happily / kindly
sits down: slowly / calmly
sleeps: peacefully / quietly / soundly / deeply
washes a window: carefully / slowly / thoroughly
plays with a ball: happily / cheerfully / joyfully
walks a dog: slowly / happily / calmly
watches fireworks: happily / quietly / with joy
""")

DIRECTIONS = table("""
left: to the left / from right to left / left / towards the left / leftwards / toward the left / to the left side
right: to the right / from left to right / right / towards the right / rightwards / toward the right
 / to the right side
towards: towards us / towards the camera / toward the viewer / towards the viewer / closer and closer / toward us
away: away from us / away from the camera / into the distance / off into the distance / away
 / farther and farther away
""")
COLOURS = table("""
red: red / red / crimson / scarlet / bright red
orange: orange / orange / bright orange / orange-colored
yellow: yellow / yellow / lemon yellow / bright yellow
green: green / green / emerald green / grass green / bright green
blue: blue / blue / sky-blue / azure / bright blue
purple: purple / purple / violet / lilac
pink: pink / pink / rose-pink / rosy / bright pink
white: white / white / snow-white / all-white
brown: brown / brown / chestnut brown / chocolate-brown
black: black / black / jet-black / coal-black
grey: grey / gray / light gray / silver-grey
""")
WORN = table("""
girl: in a {c} dress / in {c} / wearing a {c} dress / dressed in {c} / with a {c} dress
boy: in a {c} shirt / in {c} / wearing a {c} shirt / dressed in {c} / with a {c} shirt
mother: in a {c} dress / in {c} / wearing a {c} dress / dressed in {c} / with a {c} dress
superhero: in a {c} suit / in a {c} costume / dressed in {c} / wearing a {c} suit
vehicle: painted {c} / in {c}
""")  # who or kind: a colour that stands behind the noun
SIZES = table("""
small: small / little / tiny / small / very small / mini
big: big / large / huge / giant / very big / enormous
""")
ADJECTIVES = table("""
living: cute / happy / photorealistic / funny / friendly / cheerful / realistic / lovely
things: nice / photorealistic / beautiful / realistic / funny / lovely
""")  # which mean nothing to the picture

TIMES = table("""
day: during the day / in daylight / by day / in the daytime
sunset: at sunset / in the evening / as the sun sets / at dusk / while the sun goes down / in the evening light
night: at night / in the night / by night / after dark / in the moonlight / in the dark
""")
WEATHERS = table("""
clear: in clear weather / in fine weather / under a clear sky / in good weather
rain: in the rain / while it rains / in rainy weather / in pouring rain / as rain falls
snow: while it snows / in falling snow / in snowy weather / as snow falls / in a snowfall
wind: in the wind / in a strong wind / in windy weather / while the wind blows / as a strong wind blows
""")
SKIES = table("""
day: it is daytime / it is a bright day
sunset: the sun is setting / it is evening / the sun goes down
night: it is night / it is dark / it is late at night
clear: the weather is fine / the sky is clear
rain: it is raining / rain is falling / it rains / the weather is rainy
snow: it is snowing / snow is falling / it snows / snowflakes are falling
wind: it is windy / the wind is blowing / a strong wind blows
""")  # sentences of their own


@cache
def bend(phrase: str, form: str) -> str:
    """A verb phrase in base form, as "simple" (walks), "plural" (walk) or "participle" (walking)."""
    verb, _, rest = phrase.partition(" ")
    if form == "simple":
        ending = "es" if verb.endswith(("s", "sh", "ch", "o")) else "s"
        verb = {"fly": "flies", "hurry": "hurries", "have": "has"}.get(verb) or verb + ending
    elif form == "participle":
        verb = IRREGULAR.get(verb) or (verb[:-1] if verb.endswith("e") else verb) + "ing"
    return f"{verb} {rest}" if rest else verb


@cache
def verbs(who: str, act: str, where: str) -> tuple[str, ...]:
    """What such an actor is said to do: the words for this very figure, or for its kind, or for all."""
    own = VERBS_OF.get(f"{who} {act}") or VERBS_OF.get(f"{KIND[who]} {act}") or VERBS[act]
    return tuple(phrase for phrase in own if where not in VOID or not phrase.endswith(("air", "sky")))
