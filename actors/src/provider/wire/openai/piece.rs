//! Pieces of what was said, as OpenAI's format has them in a request.

use std::borrow::Cow;

use serde::Serialize;
use serde_json::{Map, Value};

use crate::{
    conversation::{Content, Format, Media, Part, Place, Source},
    protocol::Failure,
    provider::wire::{media, untold},
};

/// What was said in one turn.
#[derive(Serialize)]
#[serde(untagged)]
pub(super) enum Words<'a> {
    Text(Cow<'a, str>),
    Parts(Vec<Piece<'a>>),
    Nothing,
}

/// A piece, and what stands beside it; or one of a kind that only its format knows, as it came.
#[derive(Serialize)]
#[serde(untagged)]
pub(super) enum Piece<'a> {
    Known {
        #[serde(flatten)]
        known: Known<'a>,
        #[serde(flatten)]
        kept: Option<&'a Map<String, Value>>,
    },
    Foreign(&'a Map<String, Value>),
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum Known<'a> {
    Text { text: Cow<'a, str> },
    Refusal { refusal: &'a str },
    ImageUrl { image_url: ImageUrl<'a> },
    InputAudio { input_audio: InputAudio<'a> },
    File { file: File<'a> },
}

#[derive(Serialize)]
pub(super) struct ImageUrl<'a> {
    url: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<&'a str>,
    #[serde(flatten)]
    kept: Option<&'a Map<String, Value>>,
}

#[derive(Serialize)]
pub(super) struct InputAudio<'a> {
    data: &'a str,
    format: &'static str,
    #[serde(flatten)]
    kept: Option<&'a Map<String, Value>>,
}

#[derive(Serialize)]
pub(super) struct File<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    filename: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    file_data: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    file_id: Option<&'a str>,
    #[serde(flatten)]
    kept: Option<&'a Map<String, Value>>,
}

/// One text if there are only texts; nothing of calls and thoughts.
pub(super) fn words<'a>(parts: impl IntoIterator<Item = &'a Part>) -> Result<Words<'a>, Failure> {
    let mut pieces = Vec::new();
    for part in parts {
        pieces.extend(piece(part)?);
    }
    let is_text = |piece: &Piece<'_>| {
        let Piece::Known { known, kept } = piece else {
            return false;
        };
        matches!(known, Known::Text { .. }) && kept.is_none()
    };
    if !pieces.iter().all(is_text) {
        return Ok(Words::Parts(pieces));
    }
    let texts = pieces.into_iter().filter_map(|piece| match piece {
        Piece::Known {
            known: Known::Text { text },
            ..
        } => Some(text),
        _ => None,
    });
    Ok(Words::Text(
        texts.reduce(|text, more| text + more).unwrap_or_default(),
    ))
}

pub(super) fn piece(part: &Part) -> Result<Option<Piece<'_>>, Failure> {
    let kept = part.kept.as_deref();
    let known = match &part.content {
        Content::Text(text) => Known::Text { text: text.into() },
        Content::Image(image) => Known::ImageUrl {
            image_url: ImageUrl {
                url: media::url(&image.source).ok_or_else(|| {
                    media::untakeable("This provider does not know the image's id: send the image.")
                })?,
                detail: image.detail.as_deref(),
                kept: untold::within(kept, Format::OpenAi, "image_url"),
            },
        },
        Content::Audio(audio) => Known::InputAudio {
            input_audio: InputAudio {
                kept: untold::within(kept, Format::OpenAi, "input_audio"),
                ..sound(audio).ok_or_else(|| {
                    media::untakeable(
                        "This provider takes audio as wav or mp3, inside the request.",
                    )
                })?
            },
        },
        Content::File(file) => match written(file) {
            Some(text) => Known::Text { text: text.into() },
            None => Known::File {
                file: File {
                    kept: untold::within(kept, Format::OpenAi, "file"),
                    ..document(file)?
                },
            },
        },
        // Among the parts if it came so, and beside them if not.
        Content::Refusal(refusal) if kept.is_some() => Known::Refusal { refusal },
        Content::Foreign(foreign) if foreign.format != Format::OpenAi => {
            match untold::as_text(foreign) {
                Some(text) => Known::Text { text: text.into() },
                None => return Ok(None),
            }
        }
        Content::Foreign(foreign) if foreign.place == Place::Content => {
            return Ok(Some(Piece::Foreign(&foreign.value)));
        }
        // No part of what is said in a turn.
        Content::Foreign(_)
        | Content::Thinking(_)
        | Content::RedactedThinking(_)
        | Content::Refusal(_)
        | Content::ToolCall(_)
        | Content::ToolResult(_) => return Ok(None),
    };
    let kept = untold::beside(kept, Format::OpenAi);
    Ok(Some(Piece::Known { known, kept }))
}

fn sound(audio: &Media) -> Option<InputAudio<'_>> {
    let Source::Inline { media_type, data } = &audio.source else {
        return None;
    };
    let format = match media_type.as_str() {
        "audio/wav" | "audio/x-wav" | "audio/wave" => "wav",
        "audio/mpeg" | "audio/mp3" => "mp3",
        _ => return None,
    };
    Some(InputAudio {
        data,
        format,
        kept: None,
    })
}

/// A document that is a text, under its title: the vendor's files are others (PDF).
fn written(file: &Media) -> Option<String> {
    let Source::Inline { media_type, data } = &file.source else {
        return None;
    };
    let text = media_type
        .starts_with("text/")
        .then(|| media::text(data))??;
    Some(match &file.name {
        Some(title) => format!("{title}\n\n{text}"),
        None => text,
    })
}

fn document(file: &Media) -> Result<File<'_>, Failure> {
    let mut sent = File {
        filename: file.name.as_deref(),
        file_data: None,
        file_id: None,
        kept: None,
    };
    match &file.source {
        Source::Inline { .. } => sent.file_data = media::url(&file.source),
        Source::Id {
            format: Format::OpenAi,
            id,
        } => sent.file_id = Some(id),
        Source::Url { .. } | Source::Id { .. } => {
            return Err(media::untakeable(
                "This provider takes no file addresses: send the file inside the request.",
            ));
        }
    }
    Ok(sent)
}
