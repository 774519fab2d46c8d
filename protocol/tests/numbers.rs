//! Numbers come back from events as they went in.
#![allow(clippy::unwrap_used)]

use flowork_protocol::item::{Item, List};
use proptest::prelude::*;

fn through_text(number: f64) -> f64 {
    let list = List::Inline(vec![Item::json(serde_json::json!({ "n": number })).into()]);
    let read: List = serde_json::from_slice(&serde_json::to_vec(&list).unwrap()).unwrap();
    let List::Inline(items) = read else { return f64::NAN };
    items[0].json["n"].as_f64().unwrap()
}

#[test]
fn doubles_that_a_fast_reader_gets_wrong_by_one_come_back_exactly() {
    // From the tests of serde_json: what its reader without `float_roundtrip` shifts to the neighbour.
    for number in [51.248_178_375_505_404, -93.311_370_376_880_3, -36.573_994_842_753_436, 52.314_008_204_106_24] {
        assert_eq!(through_text(number).to_bits(), f64::to_bits(number), "{number:?}");
    }
}

proptest! {
    #[test]
    fn every_finite_double_comes_back_exactly(number in proptest::num::f64::ANY) {
        prop_assume!(number.is_finite());
        prop_assert_eq!(through_text(number).to_bits(), number.to_bits());
    }
}
