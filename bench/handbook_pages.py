"""Forty pages of a handbook that nobody has read before: devices that do not exist, by a seed.

Each has a sentence on what it is, a table of its figures, rules, steps and questions with answers,
as pages of a company's own have; no model can know a value from elsewhere.
"""

import random
from pathlib import Path

PAGES = 40
NAMES = (
    "Alder",
    "Birch",
    "Cedar",
    "Dogwood",
    "Elm",
    "Fir",
    "Ginkgo",
    "Hazel",
    "Ivy",
    "Juniper",
    "Katsura",
    "Larch",
    "Maple",
    "Nutmeg",
    "Oak",
    "Pine",
    "Quince",
    "Rowan",
    "Spruce",
    "Tamarind",
    "Ulmo",
    "Vine",
    "Willow",
    "Yew",
    "Acacia",
    "Beech",
    "Cypress",
    "Damson",
    "Elder",
    "Fig",
    "Gorse",
    "Holly",
    "Ironwood",
    "Jasmine",
    "Kapok",
    "Linden",
    "Mulberry",
    "Nettle",
    "Olive",
    "Poplar",
)
KINDS = (
    ("water pump", "moves rain water from a tank to a garden", "litres an hour"),
    ("label printer", "prints address labels in small offices", "labels a minute"),
    ("air purifier", "takes dust and pollen out of the air of a room", "cubic metres an hour"),
    ("camera drone", "photographs roofs and fields from the air", "pictures a minute"),
    ("coffee machine", "grinds beans and brews coffee for a shared kitchen", "cups an hour"),
    ("dehumidifier", "keeps cellars and stores dry", "litres a day"),
    ("floor scrubber", "washes the floors of shops and halls", "square metres an hour"),
    ("battery charger", "charges the packs of electric tools", "packs a day"),
)
COLOURS = ("red", "green", "blue", "white", "amber", "violet")
STORES = ("a dry cupboard", "the garage", "its own case", "a room above freezing")
PARTS = ("filter", "gasket", "belt", "brush", "nozzle", "fan")


def handbook_page(name: str, number: int, chance: random.Random) -> str:
    """Return the page of one device as Markdown."""
    kind, purpose, pace = KINDS[number % len(KINDS)]
    model = f"{name} {chance.randint(2, 9)}0"
    part, other = chance.sample(PARTS, 2)
    warranty, weight = chance.randint(2, 9), chance.randint(11, 98) / 10
    return f"""# {model}

The {model} is a {kind} that {purpose}. It was first sold in {chance.randint(1998, 2024)}.

## Technical data

| Device | Weight | Power | Output | Noise | Price |
| --- | --- | --- | --- | --- | --- |
| {model} | {weight} kg | {chance.randint(12, 95) * 10} W | {chance.randint(11, 97) * 10} {pace} \
| {chance.randint(31, 74)} dB | {chance.randint(80, 990)} euros |

## Care

Replace the {part} of the {model} every {chance.randint(3, 20)} weeks. Clean the {other} with \
water of at most {chance.randint(30, 60)} °C. Store the {model} in {chance.choice(STORES)}.

## Warranty

The warranty of the {model} lasts {warranty} years. It does not cover the {part}.

## Lights

- A {chance.choice(COLOURS)} light means that the {model} is ready.
- A blinking light means that the {other} is blocked.

## Questions

### How long does it take to set up the {model}?

Setting up the {model} takes {chance.randint(5, 55)} minutes.

### Who may repair the {model}?

Only workshop {chance.choice("ABCDEFG")}{chance.randint(10, 99)} may repair the {model}.

### Where is the serial number of the {model}?

The serial number of the {model} is under the {other}.
"""


def write_handbook(folder: Path, *, seed: int = 5) -> list[Path]:
    """Write all pages into `folder`; another seed makes other devices."""
    folder.mkdir(parents=True, exist_ok=True)
    chance = random.Random(seed)
    written = []
    for number, name in enumerate(chance.sample(NAMES, PAGES)):
        path = folder / f"{name.lower()}.md"
        path.write_text(handbook_page(name, number, chance), encoding="utf-8")
        written.append(path)
    return written
