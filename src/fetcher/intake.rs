//! Intake: bytes become an image in base64, or are found to be none, as they come.

use std::{io::Write, sync::Arc};

use base64::{
    engine::general_purpose::{GeneralPurpose, STANDARD},
    write::{EncoderStringWriter, StrConsumer},
};
use hub_actors::protocol::{FetchError, FetchedImage};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Largest image, in bytes: 10 MiB.
pub const MOST: usize = 10 * 1024 * 1024;
/// How much memory it takes at a time, in bytes of base64: 256 KiB.
const STEP: usize = 256 * 1024;
/// How many bytes tell what an image is.
const HEAD: usize = 12;

/// An image that is coming in.
pub struct Intake {
    head: Vec<u8>,
    kind: Option<&'static str>,
    size: usize,
    most: usize,
    /// In KiB, for what there is of the text: what is announced and does not come costs nothing.
    room: OwnedSemaphorePermit,
    text: EncoderStringWriter<'static, GeneralPurpose, Text>,
}

/// Base64, in memory of whole steps: as much as there is room for, and no more.
#[derive(Default)]
struct Text(String);

/// How many bytes of base64 so many bytes are.
const fn encoded(bytes: usize) -> usize {
    bytes.div_ceil(3) * 4
}

/// So much of a room, in bytes. It is not waited for: who waits for more holds what others wait for.
///
/// # Errors
/// [`FetchError::Busy`]
fn part(room: &Arc<Semaphore>, bytes: usize) -> Result<OwnedSemaphorePermit, FetchError> {
    let kibibytes = u32::try_from(bytes.div_ceil(1024)).unwrap_or(u32::MAX);
    let part = room.clone().try_acquire_many_owned(kibibytes);
    part.map_err(|_| FetchError::Busy)
}

/// What bytes are, by how they begin: nobody is believed about that.
fn kind(head: &[u8]) -> Option<&'static str> {
    match head {
        [0x89, b'P', b'N', b'G', 0x0d, 0x0a, 0x1a, 0x0a, ..] => Some("image/png"),
        [0xff, 0xd8, 0xff, ..] => Some("image/jpeg"),
        [b'G', b'I', b'F', b'8', b'7' | b'9', b'a', ..] => Some("image/gif"),
        [
            b'R',
            b'I',
            b'F',
            b'F',
            _,
            _,
            _,
            _,
            b'W',
            b'E',
            b'B',
            b'P',
            ..,
        ] => Some("image/webp"),
        // ISO/IEC 23008-12, annex B: the brand behind the box's length and type.
        [_, _, _, _, b'f', b't', b'y', b'p', brand @ ..] => match brand {
            b"heic" | b"heix" | b"heim" | b"heis" => Some("image/heic"),
            b"mif1" => Some("image/heif"),
            _ => None,
        },
        _ => None,
    }
}

// === impl Text ===

impl StrConsumer for Text {
    fn consume(&mut self, more: &str) {
        let Self(text) = self;
        let needed = text.len() + more.len();
        if needed > text.capacity() {
            text.reserve_exact(needed.next_multiple_of(STEP) - text.len());
        }
        text.push_str(more);
    }
}

// === impl Intake ===

impl Intake {
    /// One of which so many bytes are announced: it does not get more. What it keeps has its part of this
    /// room, in KiB.
    ///
    /// # Errors
    /// [`FetchError::TooLarge`], [`FetchError::Busy`]
    pub fn new(announced: Option<usize>, room: &Arc<Semaphore>) -> Result<Self, FetchError> {
        let most = announced.unwrap_or(MOST);
        if most > MOST {
            return Err(FetchError::TooLarge);
        }
        Ok(Self {
            head: Vec::with_capacity(HEAD),
            kind: None,
            size: 0,
            most,
            room: part(room, 0)?,
            text: EncoderStringWriter::from_consumer(Text::default(), &STANDARD),
        })
    }

    /// Takes the next bytes.
    ///
    /// # Errors
    /// [`FetchError::TooLarge`], [`FetchError::NotAnImage`], [`FetchError::Busy`]
    pub fn take(&mut self, bytes: &[u8]) -> Result<(), FetchError> {
        self.size = self.size.saturating_add(bytes.len());
        if self.size > self.most {
            return Err(FetchError::TooLarge);
        }
        if self.kind.is_none() {
            let missing = HEAD.saturating_sub(self.head.len());
            self.head.extend(bytes.iter().take(missing));
            if self.head.len() == HEAD {
                let kind = kind(&self.head).ok_or(FetchError::NotAnImage)?;
                self.kind = Some(kind);
            }
        }
        let needed = encoded(self.size).next_multiple_of(STEP);
        let missing = needed.saturating_sub(self.room.num_permits() * 1024);
        self.room.merge(part(self.room.semaphore(), missing)?);
        // Writing to a text does not fail.
        self.text.write_all(bytes).map_err(|_| FetchError::Refused)
    }

    /// The whole image, with the room that it needs.
    ///
    /// # Errors
    /// [`FetchError::NotAnImage`]
    pub fn finish(self) -> Result<FetchedImage, FetchError> {
        let media_type = self.kind.ok_or(FetchError::NotAnImage)?;
        let Text(mut data) = self.text.into_inner();
        data.shrink_to_fit();
        let mut room = self.room;
        // What it does not need is free for others.
        let unneeded = room.num_permits().saturating_sub(data.len().div_ceil(1024));
        drop(room.split(unneeded));
        Ok(FetchedImage {
            media_type,
            data,
            room,
        })
    }
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;

    use super::*;

    const PNG: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR and so on";

    fn whole(bytes: &[u8], cut: usize) -> Result<(&'static str, String), FetchError> {
        let mut intake = Intake::new(None, &room(14 * 1024))?;
        for piece in bytes.chunks(cut) {
            intake.take(piece)?;
        }
        let FetchedImage {
            media_type, data, ..
        } = intake.finish()?;
        Ok((media_type, data))
    }

    /// So many KiB.
    fn room(size: usize) -> Arc<Semaphore> {
        Arc::new(Semaphore::new(size))
    }

    #[test]
    fn however_it_is_cut_it_is_the_same_image() {
        for cut in 1..=PNG.len() {
            let (kind, text) = whole(PNG, cut).expect("is an image");
            assert_eq!((kind, text), ("image/png", STANDARD.encode(PNG)), "{cut}");
        }
    }

    #[test]
    fn the_first_bytes_say_what_it_is() {
        let cases: [(&[u8], &str); 10] = [
            (PNG, "image/png"),
            (b"\xff\xd8\xff\xe0\0\x10JFIF\0\x01", "image/jpeg"),
            (b"\xff\xd8\xff\xe1 with Exif ..", "image/jpeg"),
            (b"GIF87a\x01\0\x01\0\0\0", "image/gif"),
            (b"GIF89a\x01\0\x01\0\0\0", "image/gif"),
            (b"RIFF\x24\0\0\0WEBPVP8 ", "image/webp"),
            (b"\0\0\0\x18ftypheic\0\0\0\0", "image/heic"),
            (b"\0\0\0\x18ftypheix\0\0\0\0", "image/heic"),
            (b"\0\0\0\x18ftypmif1\0\0\0\0", "image/heif"),
            (b"GIF89a and not a byte more", "image/gif"),
        ];
        for (bytes, expected) in cases {
            let kind = whole(bytes, 5).map(|(kind, _)| kind);
            assert_eq!(kind, Ok(expected));
        }
        let others: [&[u8]; 12] = [
            b"",
            b"\x89PNG\r\n\x1a\n",
            b"<!doctype html><title>no</title>",
            b"<svg xmlns='http://www.w3.org/2000/svg'/>",
            b"{\"AccessKeyId\": \"secret\"}",
            b"RIFF\x24\0\0\0WAVEfmt ",
            b"\0\0\0\x18ftypmp42\0\0\0\0",
            b"\0\0\0\x18ftypavif\0\0\0\0",
            b"\x1f\x8b\x08\0\0\0\0\0\0\0\0\0\0",
            b"%PDF-1.7 and so on",
            b"GIF88a\x01\0\x01\0\0\0",
            b"BM and so on and on",
        ];
        for bytes in others {
            assert_eq!(whole(bytes, 5), Err(FetchError::NotAnImage), "{bytes:?}");
        }
    }

    #[test]
    fn ten_mebibytes_are_enough() {
        let none = room(0);
        assert!(Intake::new(Some(MOST), &none).is_ok());
        let announced = Intake::new(Some(MOST + 1), &none).err();
        assert_eq!(announced, Some(FetchError::TooLarge));
        let mut little = Intake::new(Some(20), &room(256)).expect("is little");
        assert_eq!(little.take(&PNG[..20]), Ok(()));
        assert_eq!(little.take(&PNG[20..21]), Err(FetchError::TooLarge));
        let mut bytes = PNG.to_vec();
        bytes.resize(MOST, 0);
        let (_, text) = whole(&bytes, 64 * 1024).expect("fits");
        assert_eq!(text.len(), encoded(MOST));
        bytes.push(0);
        assert_eq!(whole(&bytes, 64 * 1024), Err(FetchError::TooLarge));
    }

    /// What is no image is not read to its end.
    #[test]
    fn the_head_alone_is_enough_to_refuse() {
        let mut intake = Intake::new(None, &room(256)).expect("there is room");
        assert_eq!(intake.take(b"<!doctype h"), Ok(()));
        assert_eq!(intake.take(b"t"), Err(FetchError::NotAnImage));
    }

    /// Neither an announced size nor a missing one keeps others out; what has come does.
    #[test]
    fn an_image_takes_room_as_it_comes() {
        let room = room(40 * 256);
        let begun = (0..40).map(|index| {
            let announced = (index % 2 == 0).then_some(MOST);
            let mut intake = Intake::new(announced, &room)?;
            intake.take(PNG).map(|()| intake)
        });
        let mut begun: Vec<_> = begun.collect::<Result<_, _>>().expect("there is room");
        assert_eq!(room.available_permits(), 0);
        let mut late = Intake::new(None, &room).expect("nothing has come");
        assert_eq!(late.take(PNG), Err(FetchError::Busy));

        let mut first = begun.pop().expect("is one of them");
        let fills = STEP / 4 * 3 - PNG.len();
        assert_eq!(first.take(&vec![0; fills]), Ok(()), "it fills its step");
        assert_eq!(first.take(&[0]), Err(FetchError::Busy));
        begun.truncate(30);
        assert_eq!(room.available_permits(), 9 * 256);
        assert_eq!(first.take(&[0]), Ok(()));
        assert_eq!(room.available_permits(), 8 * 256);
        drop(first);

        let whole = begun.pop().expect("is one of them").finish();
        let whole = whole.expect("is an image");
        assert_eq!(whole.room.num_permits(), 1);
        drop((begun, whole, late));
        assert_eq!(room.available_permits(), 40 * 256);
    }

    /// The memory of a text is what there is room for.
    #[test]
    fn a_text_grows_by_whole_steps() {
        let mut text = Text::default();
        let more = "a".repeat(1000);
        while text.0.len() < 3 * STEP {
            text.consume(&more);
            let allowed = text.0.len().next_multiple_of(STEP);
            assert_eq!(text.0.capacity(), allowed, "{}", text.0.len());
        }
    }
}
