//! Items: a list as long as an answer with vectors can be, and no longer.

use serde::de::SeqAccess;

use super::MOST;
use crate::provider::wire::lenient::{Lenient, Object, each};

/// As many as there can be, and one more if there are more.
pub(super) struct Items<T>(pub(super) Vec<T>);

// === impl Items ===

// Derived, it would ask for items that have one.
impl<T> Default for Items<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<'de, T: Object<'de>> Lenient<'de> for Items<T> {
    fn from_list<A: SeqAccess<'de>>(list: A) -> Result<Self, A::Error> {
        let mut items = Vec::new();
        each(list, |item: Option<T>| {
            if items.len() <= MOST {
                items.push(item.unwrap_or_default());
            }
        })?;
        Ok(Self(items))
    }
}
