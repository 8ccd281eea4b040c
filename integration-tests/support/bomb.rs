//! Bodies that do not fit into anybody's memory.

use std::sync::OnceLock;

use flate2::{Compress, Compression, FlushCompress};

/// What a bomb unpacks to, or weighs unpacked.
pub(crate) const GIBIBYTE: u64 = 1 << 30;

/// One piece of the unpacked text.
pub(crate) const PIECE: usize = 1 << 20;

/// The gzip header: no name, no time (RFC 1952).
const GZIP_HEADER: [u8; 10] = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff];

/// `opening` as the start of a gzip stream.
pub(crate) fn gzip_opening(opening: &[u8]) -> Vec<u8> {
    [&GZIP_HEADER, deflated(opening).as_slice()].concat()
}

/// A [`PIECE`] of `a`s, packed so that it may be repeated in one gzip stream: a full flush ends
/// it on a byte and leaves nothing that refers to what came before.
pub(crate) fn gzip_piece() -> &'static [u8] {
    static PACKED: OnceLock<Vec<u8>> = OnceLock::new();
    PACKED.get_or_init(|| deflated(&vec![b'a'; PIECE]))
}

fn deflated(bytes: &[u8]) -> Vec<u8> {
    let mut packed = Vec::with_capacity(bytes.len() + 1024);
    Compress::new(Compression::best(), false)
        .compress_vec(bytes, &mut packed, FlushCompress::Full)
        .unwrap();
    packed
}

#[test]
fn a_repeated_piece_is_a_gzip_stream() {
    use std::io::Read;

    let packed = [gzip_opening(b"{").as_slice(), gzip_piece(), gzip_piece()].concat();
    assert!(packed.len() < PIECE / 100);
    let mut text = vec![0; 1 + 2 * PIECE];
    flate2::read::GzDecoder::new(packed.as_slice())
        .read_exact(&mut text)
        .unwrap();
    assert_eq!(text[0], b'{');
    assert!(text[1..].iter().all(|&byte| byte == b'a'));
}
