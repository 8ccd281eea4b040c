//! Places: countries and languages in the words of the vendors that know them.
//!
//! After the vendors' documentation, not checked against their answers. A country or language that
//! is missing here is not sent to that vendor, which would reject the whole request, and the caller
//! is told so.

/// The countries that Brave searches for, as ISO 3166-1 has them.
const BRAVE_COUNTRIES: [&str; 37] = [
    "ar", "au", "at", "be", "br", "ca", "cl", "dk", "fi", "fr", "de", "gr", "hk", "in", "id", "it",
    "jp", "kr", "my", "mx", "nl", "nz", "no", "cn", "pl", "pt", "ph", "ru", "sa", "za", "es", "se",
    "ch", "tw", "tr", "gb", "us",
];

/// The languages that Brave searches for, in its words.
const BRAVE_LANGUAGES: [&str; 51] = [
    "ar", "eu", "bn", "bg", "ca", "zh-hans", "zh-hant", "hr", "cs", "da", "nl", "en", "en-gb",
    "et", "fi", "fr", "gl", "de", "el", "gu", "he", "hi", "hu", "is", "it", "jp", "kn", "ko", "lv",
    "lt", "ms", "ml", "mr", "nb", "pl", "pt-br", "pt-pt", "pa", "ro", "ru", "sr", "sk", "sl", "es",
    "sv", "ta", "te", "th", "tr", "uk", "vi",
];

/// Where Brave's word is not the usual one.
const BRAVE_WORDS: [(&str, &str); 7] = [
    ("ja", "jp"),
    ("no", "nb"),
    ("pt", "pt-pt"),
    ("zh", "zh-hans"),
    ("zh-cn", "zh-hans"),
    ("zh-hk", "zh-hant"),
    ("zh-tw", "zh-hant"),
];

/// Countries by their names, which Tavily wants.
const TAVILY_COUNTRIES: [(&str, &str); 166] = [
    ("af", "afghanistan"),
    ("al", "albania"),
    ("dz", "algeria"),
    ("ad", "andorra"),
    ("ao", "angola"),
    ("ar", "argentina"),
    ("am", "armenia"),
    ("au", "australia"),
    ("at", "austria"),
    ("az", "azerbaijan"),
    ("bs", "bahamas"),
    ("bh", "bahrain"),
    ("bd", "bangladesh"),
    ("bb", "barbados"),
    ("by", "belarus"),
    ("be", "belgium"),
    ("bz", "belize"),
    ("bj", "benin"),
    ("bt", "bhutan"),
    ("bo", "bolivia"),
    ("ba", "bosnia and herzegovina"),
    ("bw", "botswana"),
    ("br", "brazil"),
    ("bn", "brunei"),
    ("bg", "bulgaria"),
    ("bf", "burkina faso"),
    ("bi", "burundi"),
    ("kh", "cambodia"),
    ("cm", "cameroon"),
    ("ca", "canada"),
    ("cv", "cape verde"),
    ("cf", "central african republic"),
    ("td", "chad"),
    ("cl", "chile"),
    ("cn", "china"),
    ("co", "colombia"),
    ("km", "comoros"),
    ("cg", "congo"),
    ("cr", "costa rica"),
    ("hr", "croatia"),
    ("cu", "cuba"),
    ("cy", "cyprus"),
    ("cz", "czech republic"),
    ("dk", "denmark"),
    ("dj", "djibouti"),
    ("do", "dominican republic"),
    ("ec", "ecuador"),
    ("eg", "egypt"),
    ("sv", "el salvador"),
    ("gq", "equatorial guinea"),
    ("er", "eritrea"),
    ("ee", "estonia"),
    ("et", "ethiopia"),
    ("fj", "fiji"),
    ("fi", "finland"),
    ("fr", "france"),
    ("ga", "gabon"),
    ("gm", "gambia"),
    ("ge", "georgia"),
    ("de", "germany"),
    ("gh", "ghana"),
    ("gr", "greece"),
    ("gt", "guatemala"),
    ("gn", "guinea"),
    ("ht", "haiti"),
    ("hn", "honduras"),
    ("hu", "hungary"),
    ("is", "iceland"),
    ("in", "india"),
    ("id", "indonesia"),
    ("ir", "iran"),
    ("iq", "iraq"),
    ("ie", "ireland"),
    ("il", "israel"),
    ("it", "italy"),
    ("jm", "jamaica"),
    ("jp", "japan"),
    ("jo", "jordan"),
    ("kz", "kazakhstan"),
    ("ke", "kenya"),
    ("kw", "kuwait"),
    ("kg", "kyrgyzstan"),
    ("lv", "latvia"),
    ("lb", "lebanon"),
    ("ls", "lesotho"),
    ("lr", "liberia"),
    ("ly", "libya"),
    ("li", "liechtenstein"),
    ("lt", "lithuania"),
    ("lu", "luxembourg"),
    ("mg", "madagascar"),
    ("mw", "malawi"),
    ("my", "malaysia"),
    ("mv", "maldives"),
    ("ml", "mali"),
    ("mt", "malta"),
    ("mr", "mauritania"),
    ("mu", "mauritius"),
    ("mx", "mexico"),
    ("md", "moldova"),
    ("mc", "monaco"),
    ("mn", "mongolia"),
    ("me", "montenegro"),
    ("ma", "morocco"),
    ("mz", "mozambique"),
    ("mm", "myanmar"),
    ("na", "namibia"),
    ("np", "nepal"),
    ("nl", "netherlands"),
    ("nz", "new zealand"),
    ("ni", "nicaragua"),
    ("ne", "niger"),
    ("ng", "nigeria"),
    ("kp", "north korea"),
    ("mk", "north macedonia"),
    ("no", "norway"),
    ("om", "oman"),
    ("pk", "pakistan"),
    ("pa", "panama"),
    ("pg", "papua new guinea"),
    ("py", "paraguay"),
    ("pe", "peru"),
    ("ph", "philippines"),
    ("pl", "poland"),
    ("pt", "portugal"),
    ("qa", "qatar"),
    ("ro", "romania"),
    ("ru", "russia"),
    ("rw", "rwanda"),
    ("sa", "saudi arabia"),
    ("sn", "senegal"),
    ("rs", "serbia"),
    ("sg", "singapore"),
    ("sk", "slovakia"),
    ("si", "slovenia"),
    ("so", "somalia"),
    ("za", "south africa"),
    ("kr", "south korea"),
    ("ss", "south sudan"),
    ("es", "spain"),
    ("lk", "sri lanka"),
    ("sd", "sudan"),
    ("se", "sweden"),
    ("ch", "switzerland"),
    ("sy", "syria"),
    ("tw", "taiwan"),
    ("tj", "tajikistan"),
    ("tz", "tanzania"),
    ("th", "thailand"),
    ("tg", "togo"),
    ("tt", "trinidad and tobago"),
    ("tn", "tunisia"),
    ("tr", "turkey"),
    ("tm", "turkmenistan"),
    ("ug", "uganda"),
    ("ua", "ukraine"),
    ("ae", "united arab emirates"),
    ("gb", "united kingdom"),
    ("us", "united states"),
    ("uy", "uruguay"),
    ("uz", "uzbekistan"),
    ("ve", "venezuela"),
    ("vn", "vietnam"),
    ("ye", "yemen"),
    ("zm", "zambia"),
    ("zw", "zimbabwe"),
];

/// Brave's word for a country of two lower-case letters.
pub(super) fn brave_country(code: &str) -> Option<String> {
    BRAVE_COUNTRIES
        .contains(&code)
        .then(|| code.to_ascii_uppercase())
}

/// Brave's word for a language in lower case. A region that it does not tell apart is left out.
pub(super) fn brave_language(language: &str) -> Option<&'static str> {
    let known = |language: &str| {
        let other = BRAVE_WORDS.iter().find(|(usual, _)| *usual == language);
        let word = other.map_or(language, |(_, word)| word);
        BRAVE_LANGUAGES.into_iter().find(|known| *known == word)
    };
    known(language).or_else(|| known(language.split('-').next()?))
}

/// Tavily's name for a country of two lower-case letters.
pub(super) fn tavily_country(code: &str) -> Option<&'static str> {
    TAVILY_COUNTRIES
        .iter()
        .find(|(known, _)| *known == code)
        .map(|(_, name)| *name)
}
