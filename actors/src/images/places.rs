//! Places: where in a conversation images stand that are at addresses.

use std::collections::HashMap;

use crate::{
    conversation::{Content, Conversation, Format, Media, Part, Source},
    provider::wire::media,
};

/// Images by the addresses that they come from, each for so many places.
#[derive(Default)]
pub struct Images(HashMap<String, (usize, Source)>);

/// The addresses of images that a vendor of this format does not read, each as often as it is there.
pub fn unread(conversation: &Conversation, format: Format) -> Vec<&str> {
    let mut found = Vec::new();
    if media::reads_addresses(format) {
        return found;
    }
    for said in &conversation.messages {
        find(&said.parts, format, &mut found);
    }
    found
}

fn find<'a>(parts: &'a [Part], format: Format, found: &mut Vec<&'a str>) {
    for part in parts {
        match &part.content {
            Content::Image(Media {
                source: Source::Url { url, .. },
                ..
            }) if !media::reads(format, url) => found.push(url),
            Content::ToolResult(result) => find(&result.parts, format, found),
            _ => {}
        }
    }
}

// === impl Images ===

impl Images {
    /// Adds one that stands in so many places.
    pub fn add(&mut self, url: String, places: usize, image: Source) {
        self.0.insert(url, (places, image));
    }

    /// Puts them in the place of their addresses.
    pub fn put_into(mut self, conversation: &mut Conversation) {
        for said in &mut conversation.messages {
            self.put(&mut said.parts);
        }
    }

    fn put(&mut self, parts: &mut [Part]) {
        for part in parts {
            match &mut part.content {
                Content::Image(media) => {
                    if let Source::Url { url, .. } = &media.source
                        && let Some(source) = self.take(url)
                    {
                        media.source = source;
                    }
                }
                Content::ToolResult(result) => self.put(&mut result.parts),
                _ => {}
            }
        }
    }

    /// Copied for all places but the last.
    fn take(&mut self, url: &str) -> Option<Source> {
        let (places, source) = self.0.get_mut(url)?;
        if *places > 1 {
            *places -= 1;
            return Some(source.clone());
        }
        self.0.remove(url).map(|(_, source)| source)
    }
}
