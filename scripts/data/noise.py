"""noise/: twelve short recordings, the first 72 % to train on."""

import zipfile

from recordings import files, halves
from sound import decode

CHANGES = "converted to 16 kHz mono, split 72 : 28 into training and test, the mean removed, the peak set to 0.5 and rounded to 16 bits"

TRAIN = 0.72
PEAK = 0.5

STAMPS = "usr/share/tuxpaint/stamps"
SAMPLES = "usr/share/sonic-pi/samples"
AMBIENT = "usr/share/games/wesnoth/1.16/data/core/sounds/ambient"
RALLY = "usr/share/games/trigger-rally/data.zip"

SOURCES = {
    "bee": ("tuxpaint-stamps-default", [f"{STAMPS}/animals/insects/bee.ogg"]),
    "birds": ("wesnoth-1.16-data", [f"{AMBIENT}/birds{n}.ogg" for n in (1, 2, 3)]),
    "blackbird": ("tuxpaint-stamps-default", [f"{STAMPS}/animals/birds/blackbird.ogg"]),
    "campfire": ("wesnoth-1.16-data", [f"{AMBIENT}/campfire.ogg"]),
    "firetruck": ("tuxpaint-stamps-default", [f"{STAMPS}/vehicles/emergency/firetruck.ogg"]),
    "night": ("wesnoth-1.16-data", [f"{AMBIENT}/night.ogg"]),
    "printer3d": ("sonic-pi-samples", [f"{SAMPLES}/loop_3d_printer.flac"]),
    "sauna": ("sonic-pi-samples", [f"{SAMPLES}/ambi_sauna.flac"]),
    "ship": ("wesnoth-1.16-data", [f"{AMBIENT}/ship.ogg"]),
    "vinyl_hiss": ("sonic-pi-samples", [f"{SAMPLES}/vinyl_hiss.flac"]),
}
ZIPPED = {"gravel": "sounds/gravel.wav", "wind": "sounds/wind.wav"}


def clips():
    """Both parts of every noise."""
    for name, (package, sources) in SOURCES.items():
        yield from halves(f"noise/{name}", package, sources, files, TRAIN, PEAK)
    for name, member in ZIPPED.items():
        yield from halves(f"noise/{name}", "trigger-rally-data", [RALLY], zipped(member), TRAIN, PEAK)


def zipped(member):
    def load(paths):
        with zipfile.ZipFile(paths[0]) as archive:
            return decode(member, archive.read(member))

    return load
