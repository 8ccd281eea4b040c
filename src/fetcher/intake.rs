//! Intake: bytes become an image in base64, or are found to be none, as they come.

use std::io::Write;

use base64::{
    engine::general_purpose::{GeneralPurpose, STANDARD},
    write::EncoderStringWriter,
};
use hub_actors::protocol::FetchError;

/// Largest image, in bytes: 10 MiB.
pub const MOST: usize = 10 * 1024 * 1024;
/// How many bytes tell what an image is.
const HEAD: usize = 12;

/// An image that is coming in.
pub struct Intake {
    head: Vec<u8>,
    kind: Option<&'static str>,
    size: usize,
    most: usize,
    text: EncoderStringWriter<'static, GeneralPurpose, String>,
}

/// How many bytes of base64 so many bytes are.
pub const fn encoded(bytes: usize) -> usize {
    bytes.div_ceil(3) * 4
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

// === impl Intake ===

impl Intake {
    /// One of which so many bytes are announced: it does not get more.
    ///
    /// # Errors
    /// [`FetchError::TooLarge`]
    pub fn new(announced: Option<usize>) -> Result<Self, FetchError> {
        let most = announced.unwrap_or(MOST);
        if most > MOST {
            return Err(FetchError::TooLarge);
        }
        let text = String::with_capacity(encoded(announced.unwrap_or(0)));
        Ok(Self {
            head: Vec::with_capacity(HEAD),
            kind: None,
            size: 0,
            most,
            text: EncoderStringWriter::from_consumer(text, &STANDARD),
        })
    }

    /// Takes the next bytes.
    ///
    /// # Errors
    /// [`FetchError::TooLarge`], [`FetchError::NotAnImage`]
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
        // Writing to a text does not fail.
        self.text.write_all(bytes).map_err(|_| FetchError::Refused)
    }

    /// What it is, and the image in base64.
    ///
    /// # Errors
    /// [`FetchError::NotAnImage`]
    pub fn finish(self) -> Result<(&'static str, String), FetchError> {
        let kind = self.kind.ok_or(FetchError::NotAnImage)?;
        let mut text = self.text.into_inner();
        text.shrink_to_fit();
        Ok((kind, text))
    }
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;

    use super::*;

    const PNG: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR and so on";

    fn whole(bytes: &[u8], cut: usize) -> Result<(&'static str, String), FetchError> {
        let mut intake = Intake::new(None)?;
        for piece in bytes.chunks(cut) {
            intake.take(piece)?;
        }
        intake.finish()
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
        assert!(Intake::new(Some(MOST)).is_ok());
        let announced = Intake::new(Some(MOST + 1)).err();
        assert_eq!(announced, Some(FetchError::TooLarge));
        let mut little = Intake::new(Some(20)).expect("is little");
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
        let mut intake = Intake::new(None).expect("nothing is announced");
        assert_eq!(intake.take(b"<!doctype h"), Ok(()));
        assert_eq!(intake.take(b"t"), Err(FetchError::NotAnImage));
    }
}
