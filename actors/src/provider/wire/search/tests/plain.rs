//! Text without markup: what is left, and what never is.

use crate::provider::wire::search::plain::{Tag, is_hidden, plain, tag};

#[test]
fn markup_and_entities_become_text() {
    for (text, expected) in [
        (
            "<strong>Rust</strong> is fast &amp; safe",
            "Rust is fast & safe",
        ),
        ("a<br>b<br/>c</p><p>d", "a b c d"),
        (
            "caf&eacute; &#233;&#xE9; &euro;5&nbsp;now",
            "café éé €5 now",
        ),
        ("don&#x27;t &quot;panic&quot;", "don't \"panic\""),
        (
            "a &unknown; b & c &; &#xZZ; &#99999999;",
            "a &unknown; b & c &; &#xZZ; &#99999999;",
        ),
        ("&amp;lt;b&amp;gt;", "&lt;b&gt;"),
        (
            "Vec&lt;T&gt; and HashMap<String, Vec<u8>> where a < b > c",
            "Vec<T> and HashMap<String, Vec<u8>> where a < b > c",
        ),
        (
            "Iterator<Item = u8>, <T: Copy>",
            "Iterator< Item = u8>, <T: Copy>",
        ),
        (
            "List<Object> <Script>x</Script>",
            "List< Object> < Script>x< /Script>",
        ),
        ("<time>now</time> <VAR>x</var>", "now x"),
        ("x <!-- secret --> y <?php z ?>", "x y"),
        ("<a href=\"https://x.example/?a=1&b=2\">link</a>", "link"),
        ("  many \n\t spaces\u{a0} ", "many spaces"),
        ("a\u{0}b\u{1b}[31mc\u{7f}\u{85}d", "ab[31mc d"),
        ("left\u{202e}thgir \u{e0041}\u{200b}", "leftthgir"),
        ("👩\u{200d}💻", "👩\u{200d}💻"),
        ("", ""),
        ("<", "<"),
        ("&", "&"),
    ] {
        assert_eq!(plain(text, 500), expected, "{text:?}");
    }
}

#[test]
fn a_long_text_is_cut_and_says_so() {
    assert_eq!(plain("äöü ß", 5), "äöü ß");
    assert_eq!(plain("äöü ßx", 5), "äöü ß..");
    assert_eq!(plain("äöü ß", 4), "äöü..");
    assert_eq!(plain(&"a".repeat(10_000), 3), "aaa..");
}

#[test]
fn escaped_and_nested_markup_is_still_markup() {
    for text in [
        "&lt;script&gt;alert(1)&lt;/script&gt;",
        "<scr<b>ipt>alert(1)</scr</b>ipt>",
        "&lt;scr&lt;b&gt;ipt&gt;",
        "<img src=x onerror=alert(1)",
        "<IMG/SRC=x/ONERROR=alert(1)>",
        "<x onclick=alert(1)>",
        "<<<<b>b>b>b>",
        "<svg/onload=alert(1)>",
        "<img src=\"a<b\" onerror=alert(1)>",
    ] {
        let plain = plain(text, 500);
        assert!(!dangerous(&plain), "{text:?}: {plain:?}");
    }
}

/// Whether a browser would make an element of some part of the text.
fn dangerous(text: &str) -> bool {
    text.match_indices('<').any(|(at, _)| {
        let rest = &text[at + 1..];
        let inside = rest.split('>').next().unwrap_or_default();
        match tag(inside) {
            Tag::Element | Tag::Type => true,
            Tag::Unknown => inside.contains('='),
            Tag::None => false,
        }
    })
}

/// Texts out of pieces that hurt, thousands of them, always the same ones.
#[test]
fn whatever_comes_in_no_element_and_no_control_character_comes_out() {
    const PIECES: [&str; 30] = [
        "<", ">", "/", "&", ";", "&lt;", "&gt;", "&amp;", "&#60;", "&#x3e;", "&#x3C;", "&#0;",
        "script", "img", "b", "svg", " ", "=", "onerror", "\"", "'", "!--", "-->", "\u{0}",
        "\u{1b}", "\u{202e}", "ä", "T", "\n", "x",
    ];
    let mut random = fastrand::Rng::with_seed(4);
    for _ in 0..20_000 {
        let text: String = (0..random.usize(1..40))
            .filter_map(|_| PIECES.get(random.usize(..PIECES.len())).copied())
            .collect();
        let plain = plain(&text, 60);
        assert!(!dangerous(&plain), "{text:?}: {plain:?}");
        assert!(!plain.chars().any(is_hidden), "{text:?}: {plain:?}");
        assert!(!plain.contains(['\n', '\t']), "{text:?}: {plain:?}");
        assert!(plain.chars().count() <= 62, "{text:?}: {plain:?}");
    }
}

/// In the square of its length, a text of this size would cost minutes.
#[test]
fn hostile_texts_cost_little() {
    let started = std::time::Instant::now();
    for piece in ["<", "<b", "<!", "&", "&#", "<<b>b>", "<a ", "&lt;", "<x ="] {
        plain(&piece.repeat(100_000), 40_000);
    }
    assert!(started.elapsed().as_secs() < 10, "{:?}", started.elapsed());
}
