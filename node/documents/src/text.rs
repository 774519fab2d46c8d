//! Text changed where it differs, so that what others write elsewhere in it at the same time survives.
//!
//! A short change is compared letter by letter. A long one is compared by lines: the lines that occur once on both sides
//! hold the text together, and what lies between them is replaced. (Source of the idea: Bram Cohen's patience diff.)

use std::collections::HashMap;
use std::ops::Range;

use automerge::transaction::{Transactable, Transaction};
use automerge::{AutomergeError, ObjId, ReadDoc, TextEncoding};

/// The most letters, old and new together, that are compared letter by letter: it may take the square of that.
const COMPARE_LETTERS_MAX: usize = 4_000;
/// The most that this comparison may cost: those letters times the length of the text that each may be put into.
const COMPARE_WORK_MAX: usize = 40_000_000;
/// A text that loses more letters than this is another text: Automerge takes them out one by one, up to 0.1 ms each.
const LOSE_LETTERS_MAX: usize = 10_000;
/// So is one that changes in more places than this: in a long text each costs some milliseconds.
const HUNKS_MAX: usize = 200;

/// One place where two texts differ, in bytes of each.
type Hunk = (Range<usize>, Range<usize>);

/// Whether so much of a long text changes that it is better written anew.
pub(crate) fn is_another(old: &str, new: &str) -> bool {
    if old.len() <= COMPARE_LETTERS_MAX {
        return false;
    }
    let hunks = hunks(old, new);
    let lost: usize = hunks.iter().map(|(gone, _)| old[gone.clone()].chars().count()).sum();
    hunks.len() > HUNKS_MAX || lost > LOSE_LETTERS_MAX
}

/// Makes a text object read as `new`.
///
/// # Errors
/// When Automerge refuses.
pub(crate) fn change(tx: &mut Transaction<'_>, obj: &ObjId, new: &str) -> Result<(), AutomergeError> {
    let old = tx.text(obj)?;
    let (gone, come) = trimmed(&old, new, 0..old.len(), 0..new.len());
    if gone.is_empty() && come.is_empty() {
        return Ok(());
    }
    let letters = old[gone.clone()].chars().count() + new[come.clone()].chars().count();
    let short = letters <= COMPARE_LETTERS_MAX && letters.saturating_mul(old.len()) <= COMPARE_WORK_MAX;
    if short && !gone.is_empty() && !come.is_empty() {
        return tx.update_text(obj, new);
    }
    let encoding = tx.text_encoding();
    // From the end, so that places further on are still where they were.
    for (gone, come) in hunks(&old, new).into_iter().rev() {
        let at = width(encoding, &old[..gone.start]);
        let lost = isize::try_from(width(encoding, &old[gone])).unwrap_or(isize::MAX);
        tx.splice_text(obj, at, lost, &new[come])?;
    }
    Ok(())
}

/// How many places a text takes in this document's way of counting.
fn width(encoding: TextEncoding, text: &str) -> usize {
    match encoding {
        TextEncoding::Utf8CodeUnit => text.len(),
        TextEncoding::Utf16CodeUnit => text.encode_utf16().count(),
        // Nothing here makes documents that count in grapheme clusters.
        TextEncoding::UnicodeCodePoint | TextEncoding::GraphemeCluster => text.chars().count(),
    }
}

/// Where the texts differ, in order.
fn hunks(old: &str, new: &str) -> Vec<Hunk> {
    let (gone, come) = trimmed(old, new, 0..old.len(), 0..new.len());
    let mut hunks = Vec::new();
    let mut push = |old_range: Range<usize>, new_range: Range<usize>| {
        let (gone, come) = trimmed(old, new, old_range, new_range);
        if !gone.is_empty() || !come.is_empty() {
            hunks.push((gone, come));
        }
    };
    let (mut old_at, mut new_at) = (gone.start, come.start);
    for (old_line, new_line) in anchors(lines(old, gone.clone()), lines(new, come.clone())) {
        push(old_at..old_line.start, new_at..new_line.start);
        (old_at, new_at) = (old_line.end, new_line.end);
    }
    push(old_at..gone.end, new_at..come.end);
    hunks
}

/// The two ranges without what they begin and end with in common.
fn trimmed(old: &str, new: &str, mut gone: Range<usize>, mut come: Range<usize>) -> Hunk {
    let pairs = old[gone.clone()].chars().zip(new[come.clone()].chars());
    let head: usize = pairs.take_while(|(one, other)| one == other).map(|(letter, _)| letter.len_utf8()).sum();
    (gone.start, come.start) = (gone.start + head, come.start + head);
    let pairs = old[gone.clone()].chars().rev().zip(new[come.clone()].chars().rev());
    let tail: usize = pairs.take_while(|(one, other)| one == other).map(|(letter, _)| letter.len_utf8()).sum();
    (gone.end, come.end) = (gone.end - tail, come.end - tail);
    (gone, come)
}

/// The lines of a part of a text, each with where it is in the whole.
fn lines(text: &str, part: Range<usize>) -> Vec<(&str, Range<usize>)> {
    let mut at = part.start;
    let lines = text[part].split_inclusive('\n').map(|line| {
        at += line.len();
        (line, at - line.len()..at)
    });
    lines.collect()
}

/// Lines that occur once on each side, as many as come in the same order on both.
fn anchors(old: Vec<(&str, Range<usize>)>, new: Vec<(&str, Range<usize>)>) -> Vec<Hunk> {
    let once = |lines: &[(&str, Range<usize>)]| {
        let mut counts = HashMap::new();
        for (index, (line, _)) in lines.iter().enumerate() {
            counts.entry(line.to_string()).and_modify(|(times, _)| *times += 1).or_insert((1_u32, index));
        }
        counts
    };
    let (old_once, new_once) = (once(&old), once(&new));
    let mut pairs: Vec<(usize, usize)> = old_once
        .iter()
        .filter(|(_, (times, _))| *times == 1)
        .filter_map(|(line, (_, old))| new_once.get(line).filter(|(times, _)| *times == 1).map(|(_, new)| (*old, *new)))
        .collect();
    pairs.sort_unstable();
    rising(&pairs).into_iter().map(|(one, other)| (old[one].1.clone(), new[other].1.clone())).collect()
}

/// The longest part of `pairs`, which rise on the left, that rises on the right too.
fn rising(pairs: &[(usize, usize)]) -> Vec<(usize, usize)> {
    // `ends[n]` is the pair that ends the rising run of length n + 1 whose right side is smallest.
    let mut ends: Vec<usize> = Vec::new();
    let mut before: Vec<Option<usize>> = Vec::with_capacity(pairs.len());
    for (index, pair) in pairs.iter().enumerate() {
        let length = ends.partition_point(|end| pairs[*end].1 < pair.1);
        before.push(length.checked_sub(1).map(|shorter| ends[shorter]));
        if length == ends.len() { ends.push(index) } else { ends[length] = index }
    }
    let mut run = Vec::with_capacity(ends.len());
    let mut next = ends.last().copied();
    while let Some(index) = next {
        run.push(pairs[index]);
        next = before[index];
    }
    run.reverse();
    run
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(old: &str, new: &str, expect: &[(&str, &str)]) {
        let hunks = hunks(old, new);
        let texts: Vec<(&str, &str)> =
            hunks.iter().map(|(gone, come)| (&old[gone.clone()], &new[come.clone()])).collect();
        assert_eq!(texts, expect);
        let mut made = old.to_owned();
        for (gone, come) in hunks.into_iter().rev() {
            made.replace_range(gone, &new[come]);
        }
        assert_eq!(made, new);
    }

    #[test]
    fn lines_that_stay_hold_a_text_together() {
        check("a\nb\nc\nd\n", "x\nb\nc\ny\n", &[("a", "x"), ("d", "y")]);
        check("same", "same", &[]);
        check("", "ü", &[("", "ü")]);
        check("one\ntwo\n", "", &[("one\ntwo\n", "")]);
        check("1\n2\n3\n4\n", "2\n3\n4\n1\n", &[("1\n", ""), ("", "\n1")]);
        check("é\nb\né\n", "è\nb\nê\n", &[("é", "è"), ("é", "ê")]);
    }
}
