//! Values that cannot be, and runs.

use super::{REMEDY, check};

#[test]
fn a_batch_larger_than_the_training_set() {
    check(
        "batch_size = 4",
        "batch_size = 17",
        "line 14, column 14: `training.batch_size` is 17; it must be at most `data.train_images`, which is 16; \
         lower `training.batch_size` or raise `data.train_images`",
    );
    check(
        "train_images = 16",
        "train_images = 3",
        "line 14, column 14: `training.batch_size` is 4; it must be at most `data.train_images`, which is 3; \
         lower `training.batch_size` or raise `data.train_images`",
    );
}

#[test]
fn impossible_values() {
    check(
        "batch_size = 4",
        "batch_size = 0",
        "line 14, column 14: `training.batch_size` is 0; it must be between 1 and 65536",
    );
    check(
        "epochs = 2",
        "epochs = 0",
        "line 15, column 10: `training.epochs` is 0; it must be between 1 and 10000000",
    );
    check(
        "epochs = 2",
        "epochs = 9000000",
        "line 15, column 10: `training.epochs` is 9000000; it must be so few that there are at most 10000000 steps in all; \
         now there are 36000000",
    );
    check(
        "width = 2",
        "width = 0",
        "line 7, column 9: `network.width` is 0; it must be between 1 and 65536",
    );
    check(
        "width = 2",
        "epsilon = -1.0",
        "line 7, column 11: `network.epsilon` is -1; it must be finite and not negative",
    );
    check(
        "weight_decay = 0.01",
        "weight_decay = -0.01",
        "line 22, column 16: the weight decay is -0.01 at step 0; it must be finite and not negative",
    );
    check(
        "momentum = 0.9",
        "momentum = 1.0",
        "line 21, column 12: the momentum is 1.0 at step 0; it must be at least 0 and below 1, or the momentum buffer does not forget",
    );
    check(
        "weight_decay = 0.01",
        "weight_decay = nan",
        "line 22, column 16: `recipe.optimizer.weight_decay` is nan; it must be a number of at least 0, or a table with a \
         kind of schedule",
    );
    check(
        "precision = \"float64\"",
        "precision = \"float16\"",
        &format!(
            "line 16, column 13: unknown value `float16`, expected one of `float32`, `float64`, `tf32x3`, `tf32`, `bf16`{REMEDY}"
        ),
    );
    check(
        "name = \"tiny\"",
        "name = \"../tiny\"",
        "line 1, column 8: `name` is \"../tiny\"; it must be a name of up to 100 letters, digits, `-`, `_` and `.`, \
         starting with a letter or digit, because folders are named after it",
    );
}

#[test]
fn runs() {
    check(
        "transform = \"tapered\"",
        "transform = \"taper\"",
        &format!(
            "line 43, column 13: unknown value `taper`, expected one of `original`, `wd-free`, `tapered`, \
             `tapered-no-drop`, `constant-exponent`, `wd-free-everywhere`{REMEDY}"
        ),
    );
    check(
        "transform = \"tapered\"",
        "transform = \"tapered\"\nrecipe = \"cosine\"",
        "line 44, column 10: there is no recipe `cosine`; the file has no [recipes.<name>], so leave out `recipe`",
    );
    check(
        "[[run]]\nname = \"step\"",
        "[recipes.cosine]\nschedule = { kind = \"cosine\", lr = -1 }\n[[run]]\nname = \"step\"",
        "line 31, column 12: the learning rate is -1.0 at step 0; it must be finite and not negative",
    );
    let claim = |predicate: &str| {
        format!(
            "[[claim]]\nid = \"c\"\nsays = \"s\"\nsource = \"p\"\npredicate = {{ {predicate} }}\n[[run]]\nname = \"step\""
        )
    };
    check(
        "[[run]]\nname = \"step\"",
        &claim("kind = \"greater\", a = \"step/loss\", b = \"step-/loss\", over = { last = 1 }"),
        "line 34, column 54: claim `c`: `predicate.b` names the run `step-`, which there is not; the runs are `step`, `exact` \
         and `texp`",
    );
    check(
        "name = \"texp\"",
        "name = \"exact\"",
        "line 41, column 8: two runs are called `exact`; rename one",
    );
}
