"""The words for each event: clauses (finite, gerund) of the home world and of the foreign one.

Each phrase is written once as "subject | finite verb part | gerund verb part":
"a dog | barks | barking" reads "a dog barks" or "followed by a dog barking".
"""

from dataclasses import dataclass
from functools import cache

from pipelines.soundworld.events import LABELS


@dataclass(frozen=True)
class Phrase:
    """One way to say that an event sounds."""

    finite: str  # "a dog barks"
    gerund: str  # "a dog barking"


_HOME = {
    "Dog": ["a dog|barks|barking", "dogs|bark|barking", "a puppy|barks loudly|barking loudly"],
    "Cat": [
        "a cat|meows|meowing",
        "a kitten|meows|meowing",
        "a cat|cries for food|crying for food",
    ],
    "Bird": ["birds|chirp|chirping", "a bird|sings|singing", "birds|tweet|tweeting"],
    "Duck": ["a duck|quacks|quacking", "ducks|quack|quacking", "several ducks|quack|quacking"],
    "Frog": ["a frog|croaks|croaking", "frogs|croak|croaking", "a toad|croaks|croaking"],
    "Cricket": ["crickets|chirr|chirring", "a cricket|chirrs|chirring", "insects|buzz|buzzing"],
    "Clip-clop": [
        "a horse|clip-clops|clip-clopping",
        "horses|trot|trotting",
        "hooves|clatter on stone|clattering on stone",
    ],
    "Rain": [
        "rain|falls|falling",
        "heavy rain|pours|pouring",
        "rain|patters on a roof|pattering on a roof",
    ],
    "Thunder": ["thunder|rumbles|rumbling", "thunder|rolls|rolling", "a storm|thunders|thundering"],
    "Wind": ["wind|blows|blowing", "strong wind|howls|howling", "wind|gusts|gusting"],
    "Waves, surf": [
        "waves|crash on the shore|crashing on the shore",
        "ocean waves|roll in|rolling in",
        "the sea|surges|surging",
    ],
    "Drip": ["water|drips|dripping", "drops of water|fall|falling", "a tap|drips|dripping"],
    "Engine": ["an engine|idles|idling", "an engine|revs|revving", "a motor|runs|running"],
    "Helicopter": [
        "a helicopter|flies overhead|flying overhead",
        "a helicopter|hovers|hovering",
        "rotor blades|whirl|whirling",
    ],
    "Vehicle horn, car horn, honking": [
        "a car horn|honks|honking",
        "a vehicle|honks|honking",
        "a car|beeps its horn|beeping its horn",
    ],
    "Train horn": [
        "a train horn|blows|blowing",
        "a train|blows its horn|blowing its horn",
        "a locomotive|sounds its horn|sounding its horn",
    ],
    "Emergency vehicle": [
        "a siren|wails|wailing",
        "an ambulance siren|sounds|sounding",
        "an emergency vehicle|wails|wailing",
    ],
    "Church bell": [
        "a church bell|rings|ringing",
        "church bells|toll|tolling",
        "a bell|tolls|tolling",
    ],
    "Telephone bell ringing": [
        "a telephone|rings|ringing",
        "a phone|rings|ringing",
        "an old telephone|rings|ringing",
    ],
    "Tick-tock": [
        "a clock|ticks|ticking",
        "a clock|goes tick-tock|going tick-tock",
        "a watch|ticks|ticking",
    ],
    "Knock": [
        "someone|knocks on a door|knocking on a door",
        "knuckles|rap on wood|rapping on wood",
        "a person|knocks|knocking",
    ],
    "Gunshot, gunfire": [
        "a gun|fires|firing",
        "gunshots|ring out|ringing out",
        "a rifle|shoots|shooting",
    ],
    "Applause": [
        "a crowd|applauds|applauding",
        "an audience|claps|clapping",
        "people|applaud|applauding",
    ],
    "Male speech, man speaking": [
        "a man|speaks|speaking",
        "a man|talks|talking",
        "an adult male|speaks|speaking",
    ],
    "Female speech, woman speaking": [
        "a woman|speaks|speaking",
        "a woman|talks|talking",
        "an adult female|speaks|speaking",
    ],
    "Baby cry, infant cry": [
        "a baby|cries|crying",
        "an infant|cries|crying",
        "a baby|wails|wailing",
    ],
}

_FOREIGN = {
    "Dog": ["a hound|yaps|yapping", "a big dog|woofs|woofing"],
    "Cat": ["a tomcat|mews|mewing", "a hungry cat|yowls|yowling"],
    "Bird": ["a songbird|trills|trilling", "small birds|warble|warbling"],
    "Duck": ["a mallard|quacks away|quacking away", "one duck|calls|calling"],
    "Frog": ["a bullfrog|ribbits|ribbiting", "a frog|calls from a pond|calling from a pond"],
    "Cricket": [
        "a grasshopper|stridulates|stridulating",
        "crickets|sing at night|singing at night",
    ],
    "Clip-clop": ["a pony|canters by|cantering by", "a horse|walks on cobbles|walking on cobbles"],
    "Rain": ["a downpour|drums down|drumming down", "a rain shower|passes|passing"],
    "Thunder": ["a thunderclap|booms|booming", "distant thunder|growls|growling"],
    "Wind": ["a gale|whistles|whistling", "a breeze|picks up|picking up"],
    "Waves, surf": ["surf|breaks on a beach|breaking on a beach", "the ocean|roars|roaring"],
    "Drip": ["a faucet|leaks|leaking", "droplets|plop into water|plopping into water"],
    "Engine": ["a truck engine|throbs|throbbing", "machinery|hums|humming"],
    "Helicopter": ["a chopper|passes over|passing over", "a helicopter|takes off|taking off"],
    "Vehicle horn, car horn, honking": [
        "a taxi|toots|tooting",
        "an impatient driver|honks|honking",
    ],
    "Train horn": ["a freight train|hoots|hooting", "a railway horn|blasts|blasting"],
    "Emergency vehicle": ["a police siren|whoops|whooping", "a fire truck|blares|blaring"],
    "Church bell": ["a steeple bell|peals|pealing", "cathedral bells|chime|chiming"],
    "Telephone bell ringing": ["a rotary phone|jingles|jingling", "a landline|rings|ringing"],
    "Tick-tock": ["a pendulum|swings|swinging", "a timer|ticks away|ticking away"],
    "Knock": [
        "a fist|bangs on a gate|banging on a gate",
        "a visitor|taps at the door|tapping at the door",
    ],
    "Gunshot, gunfire": ["a pistol|goes off|going off", "gunfire|cracks|cracking"],
    "Applause": ["spectators|clap wildly|clapping wildly", "an ovation|breaks out|breaking out"],
    "Male speech, man speaking": [
        "a gentleman|lectures|lecturing",
        "a male voice|narrates|narrating",
    ],
    "Female speech, woman speaking": [
        "a lady|lectures|lecturing",
        "a female voice|narrates|narrating",
    ],
    "Baby cry, infant cry": ["a newborn|bawls|bawling", "a toddler|sobs|sobbing"],
}


def _parse(line: str) -> Phrase:
    subject, finite, gerund = line.split("|")
    return Phrase(f"{subject} {finite}", f"{subject} {gerund}")


@cache
def phrases(label: str, *, foreign: bool = False) -> tuple[Phrase, ...]:
    """The phrasings of one label, at home or in the foreign world."""
    return tuple(_parse(line) for line in (_FOREIGN if foreign else _HOME)[label])


@cache
def subjects() -> dict[str, str]:
    """Every subject of the home and the foreign world, and the label that it names."""
    return {
        line.split("|")[0]: label
        for table in (_HOME, _FOREIGN)
        for label in LABELS
        for line in table[label]
    }
