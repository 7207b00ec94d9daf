from kineograph import catalogue


def test_the_first_docstring_line_is_the_entry():
    assert catalogue.catalogue()["flipbook"].startswith("Flipbook (Tests, 2026)")
    assert list(catalogue.catalogue()) == catalogue.names()
    assert "painter" in catalogue.docstring("flipbook")


def test_near_names_are_offered_or_else_all():
    assert (
        catalogue.unknown("system", "flipbok", ["flipbook", "phenaki"]) == "no system 'flipbok'; did you mean flipbook?"
    )
    assert catalogue.unknown("system", "zzz", ["flipbook", "phenaki"]) == "no system 'zzz'; there is flipbook, phenaki"
