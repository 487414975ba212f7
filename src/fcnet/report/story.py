"""The report as Markdown, section by section, for the page and for docs/report.md."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from fcnet.extension import broken, called, described
from fcnet.report.figures import Drawn
from fcnet.report.markdown import Markdown, escape, missing, render
from fcnet.report.reading import Records


@dataclass(frozen=True)
class Picture:
    """A small image: PNG bytes, what it shows, and what stands beneath."""

    png: bytes
    alt: str
    caption: str


@dataclass(frozen=True)
class Gallery:
    """Images of the data set, small ones side by side or `wide` ones in rows; none is ever committed."""

    pictures: Sequence[Picture]
    wide: bool = False


@dataclass
class Story:
    """The material of the sections, and how they show figures and pictures.

    records : of the run or the reproduction
    drawn : its figures by name
    page : whether it becomes the page, which shows images of the data set and needs no file beside it
    galleries : those that the sections have shown so far
    """

    records: Records
    drawn: dict[str, Drawn]
    page: bool
    galleries: list[Gallery] = field(default_factory=list)

    def figure(self, name: str, lacks: str) -> Markdown:
        """A figure with its caption; or the sentence that the run has no `lacks`."""
        if name not in self.drawn:
            return missing(lacks)
        caption = escape(self.drawn[name].caption)
        image = f"![{caption}](figures/{name}.svg)"
        return Markdown(image if self.page else f"{image}\n\n{caption}")

    def gallery(self, pictures: Sequence[Picture], wide: bool = False) -> Markdown:
        """Images of the data set."""
        self.galleries.append(Gallery(pictures, wide))
        return Markdown(f"```gallery\n{len(self.galleries) - 1}\n```")

    def tell(self, block: str, **facts: Any) -> Markdown:
        """A block of the template `report`, filled with facts."""
        known = {"figure": self.figure, "gallery": self.gallery, "page": self.page, "run": self.records}
        return render("report", block, **known, **facts)


class Section(NamedTuple):
    """A part of a report: its title, and what gives its text in Markdown, "" to leave it out."""

    title: str
    tell: Callable[[Story], str]


def told(story: Story) -> dict[str, tuple[str, str]]:
    """Every section with content: its place in the page, title and text.

    A section that only remarks on what is missing is left out, and the first one says it instead.

    Raises
    ------
    RunError : a record is damaged, or the folder is none of ours; the text names it
    ExtensionError : a user's own section is none, or gives no text
    """
    from fcnet.report.sections import RUN_SECTIONS, SECTIONS

    story.records.check()
    wanted = RUN_SECTIONS if story.records.single else SECTIONS
    texts = {place: _told(place, section, story) for place, section in wanted.items()}
    lacking = [place for place, (_, text) in texts.items() if _remarks_only(text)]
    kept = {place: told for place, told in texts.items() if place not in lacking and told[1].strip()}
    if not kept or not lacking:
        return kept or texts
    first, (title, text) = next(iter(kept.items()))
    return kept | {first: (title, "\n\n".join([text, *(texts[place][1] for place in lacking)]))}


def _told(place: str, section: Section, story: Story) -> tuple[str, str]:
    """Title and text of a section.

    Raises
    ------
    ExtensionError : one of a user's own is no section, or gives no text
    """
    what = f"the section {place!r}"
    if not isinstance(section, Section) or not isinstance(section.title, str):
        raise broken(what, section, 'is no section, give Section("Title", function)')
    text = called(what, section.tell, story, wants="a function of the story")
    if not isinstance(text, str):
        advice = 'return Markdown as text, or "" to leave the section out'
        raise broken(what, section.tell, f"gives {described(text)}, {advice}")
    return section.title, text


def _remarks_only(text: str) -> bool:
    """Whether every line of a text is a quotation, as our remarks are."""
    lines = [line for line in text.splitlines() if line.strip()]
    return bool(lines) and all(line.startswith(">") for line in lines)
