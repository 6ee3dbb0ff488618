//! Mutations of texts that consist of pieces: the lines of TOML, the tags of XML.

use crate::random;
use fastrand::Rng;

/// Texts of one kind, cut into pieces.
#[derive(Debug)]
pub(crate) struct Chunks {
    seeds: Vec<Vec<Vec<u8>>>,
}

impl Chunks {
    /// The texts, each cut before every byte that `begins` accepts.
    pub(crate) fn new<'t>(texts: impl IntoIterator<Item = &'t str>, begins: impl Fn(u8) -> bool) -> Self {
        let cut = |text: &str| {
            let mut pieces: Vec<Vec<u8>> = Vec::new();
            for byte in text.bytes() {
                match pieces.last_mut() {
                    Some(piece) if !begins(byte) => piece.push(byte),
                    _ => pieces.push(vec![byte]),
                }
            }
            pieces
        };
        Self { seeds: texts.into_iter().map(cut).filter(|seed| !seed.is_empty()).collect() }
    }

    fn any_piece(&self, rng: &mut Rng) -> &[u8] {
        let seed = &self.seeds[rng.usize(..self.seeds.len())];
        &seed[rng.usize(..seed.len())]
    }

    /// A seed, with up to four pieces removed, repeated, exchanged, taken from another seed or damaged.
    pub(crate) fn mutated(&self, rng: &mut Rng, out: &mut Vec<u8>) {
        let number = rng.usize(..self.seeds.len());
        let seed = &self.seeds[number];
        let mut order: Vec<&[u8]> = seed.iter().map(Vec::as_slice).collect();
        let damaged_piece = (rng.u8(..2) == 0).then(|| {
            let at = rng.usize(..order.len());
            let mut piece = order[at].to_vec();
            random::damage(rng, &mut piece);
            (at, piece)
        });
        if let Some((at, piece)) = &damaged_piece {
            order[*at] = piece;
        }
        for _ in 0..rng.usize(..=3) {
            if order.is_empty() {
                break;
            }
            let (at, other) = (rng.usize(..order.len()), rng.usize(..order.len()));
            match rng.u8(..6) {
                0 => {
                    order.remove(at);
                }
                1 => order.insert(other, order[at]),
                2 => order.swap(at, other),
                3 => order[at] = self.any_piece(rng),
                4 => order.insert(at, self.any_piece(rng)),
                _ => {
                    let times = *rng.choice([2, 3, 50, 130, 300].iter()).unwrap_or(&2);
                    let times = if order[at].len() > 40 { times.min(3) } else { times };
                    let piece = order[at];
                    order.splice(at..at, std::iter::repeat_n(piece, times));
                }
            }
        }
        for piece in order {
            out.extend_from_slice(piece);
        }
        if rng.u8(..6) == 0 {
            random::damage(rng, out);
        }
    }
}
