from __future__ import annotations

from wordy import table

from training.rater_id.wording import core, lead_ins, normalised, stripped


def test_what_is_quoted_at_the_end_is_the_core() -> None:
    asked = 'How accurately does this describe you: "Am often bored."'
    assert core(asked, frozenset()) == "Am often bored."
    assert core('Do you agree or disagree that "news should be free"?', frozenset()) == "news should be free"


def test_a_quoted_word_inside_of_a_sentence_stays_in_it() -> None:
    for text in (
        'A "woman\'s place" should be wherever she wants to be.',
        'Are you sure you know the definition of the word "boat"?',
        'Which of these fits you best: "I lead." or "I follow."',
    ):
        assert core(text, frozenset()) == text


def test_a_lead_in_is_what_three_questions_begin_with() -> None:
    texts = ["US survey: Taxes", "US survey: Guns", "US survey: Schools", "Note: only once", "Plain"]
    survey = table("s", texts, ["a", "b"], [[0, 1, 0, 1, 0], [1, 0, 1, 0, 1]])
    leads = lead_ins(survey.questions)
    assert leads == {"US survey"}
    assert [stripped(question, leads).markdown for question in survey.questions] == [
        "Taxes",
        "Guns",
        "Schools",
        "Note: only once",
        "Plain",
    ]


def test_the_same_statement_is_found_in_other_spellings() -> None:
    said = {
        normalised(text)
        for text in ("I am often bored.", "Am often bored", "  OFTEN   bored!", "öften bored")
    }
    assert said == {"often bored"}
    assert normalised("I don’t lie.") == normalised("I don't lie") == "dont lie"
    assert normalised("I am not bored") != normalised("I am bored")
    assert normalised("!!!") == ""
