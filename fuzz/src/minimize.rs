//! Makes an input with something wrong as short as it can be.

use crate::run::run;
use crate::target::Target;

/// The shortest input found that has the same fault. An input that ends the process cannot be shortened so.
pub fn minimize(target: &dyn Target, input: &[u8]) -> Vec<u8> {
    let fault_of = |input: &[u8]| run(target, input).finding.map(|finding| finding.fault());
    let Some(fault) = fault_of(input) else { return input.to_vec() };
    let mut best = input.to_vec();
    let mut piece = best.len() / 2;
    while piece > 0 {
        let (mut at, before) = (0, best.len());
        while at < best.len() {
            let end = (at + piece).min(best.len());
            let shorter = [&best[..at], &best[end..]].concat();
            if fault_of(&shorter).as_ref() == Some(&fault) {
                best = shorter;
            } else {
                at = end;
            }
        }
        if best.len() == before {
            piece /= 2;
        }
    }
    best
}
