//! Which known name was probably meant.

/// The known name nearest to `name`, if it is near enough to be a slip of the finger. Case counts
/// for nothing.
pub(crate) fn nearest<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let name = name.to_lowercase();
    // One slip in three letters is still the same word; more is another one.
    let slips = name.chars().count().div_ceil(3);
    known
        .into_iter()
        .map(|known| {
            let distance = strsim::damerau_levenshtein(&name, &known.to_lowercase());
            (distance, known)
        })
        .filter(|(distance, _)| *distance <= slips)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, known)| known)
}

/// "did you mean `x`?", or else the whole list after `introduction`.
pub(crate) fn suggestion(name: &str, known: &[&str], introduction: &str) -> String {
    match nearest(name, known.iter().copied()) {
        Some(near) => format!("did you mean `{near}`?"),
        None if known.is_empty() => format!("{introduction} none"),
        None => format!("{introduction} {}", known.join(", ")),
    }
}
