"""ATTRIBUTION.md: whose sound lies in a folder, under which licence, and what was changed."""


def text(folders, packages, changes):
    """The file's text; `folders` maps a folder to the package it came from, `changes` a part to what was done."""
    lines = [
        "# The recordings in this folder",
        "",
        "Made by scripts/data/fetch of nae from the Debian 12 packages below. The program's own licence does not cover them: each folder",
        "keeps the licence of its package, whose own statement lies in `licences/`. All files are 16 kHz, mono, 16-bit WAV.",
        "",
        "| Folders | Package and version | Authors | Licence |",
        "|---|---|---|---|",
    ]
    for name, made in sorted(by_package(folders).items(), key=lambda entry: entry[1]):
        package = packages[name]
        listed = ", ".join(f"`{folder}/`" for folder in made)
        lines.append(f"| {listed} | {name} {package.version} | {package.authors} | [{package.licence}]({package.link}) |")
    lines += ["", "What was changed:", ""]
    lines += [f"- `{part}/`: {change}." for part, change in changes.items()]
    if any(packages[name].licence.startswith(("CC-BY-SA", "GPL")) for name in folders.values()):
        lines += [
            "",
            "CC-BY-SA and GPL ask that what you make from these recordings and pass on, mixtures and stems included, is passed on under the",
            "same licence.",
        ]
    return "\n".join(lines) + "\n"


def by_package(folders):
    groups = {}
    for folder, name in sorted(folders.items()):
        groups.setdefault(name, []).append(folder)
    return groups
