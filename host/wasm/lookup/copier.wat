;; Moves bytes between the memory of a guest and that of lookup.wat.
(module
  (import "guest" "memory" (memory $guest 0))
  (import "lookup" "memory" (memory $own 2))

  ;; Gives bytes to the guest; 0 when its memory has no such place.
  (func (export "copy") (param $to i32) (param $from i32) (param $length i32) (result i32)
    (local $i i32) (local $last i32)
    (if (i32.eqz (call $isInside (local.get $to) (local.get $length)))
      (then (return (i32.const 0))))
    (if (i32.lt_u (local.get $length) (i32.const 16))
      (then
        ;; Bytes, because there may be no room behind.
        (if (i32.eqz (local.get $length)) (then (return (i32.const 1))))
        (loop $bytes
          (local.set $length (i32.sub (local.get $length) (i32.const 1)))
          (i32.store8 $guest
            (i32.add (local.get $to) (local.get $length))
            (i32.load8_u $own (i32.add (local.get $from) (local.get $length))))
          (br_if $bytes (local.get $length)))
        (return (i32.const 1))))
    ;; Sixteen at a time, the last sixteen over those before: `memory.copy` is a call out of Wasm, which takes longer
    ;; than to copy a value.
    (local.set $last (i32.sub (local.get $length) (i32.const 16)))
    (loop $steps
      (v128.store $guest
        (i32.add (local.get $to) (local.get $i))
        (v128.load $own (i32.add (local.get $from) (local.get $i))))
      (local.set $i (i32.add (local.get $i) (i32.const 16)))
      (br_if $steps (i32.lt_u (local.get $i) (local.get $last))))
    (v128.store $guest
      (i32.add (local.get $to) (local.get $last))
      (v128.load $own (i32.add (local.get $from) (local.get $last))))
    (i32.const 1))

  ;; 1 when the bytes of the guest are those at `slot`; otherwise they are taken over, with a 0 in the first place
  ;; when its memory has no such place.
  (func (export "take")
    (param $slot i32) (param $known i32) (param $from i32) (param $length i32) (result i32)
    (local $i i32)
    (if (i32.eqz (call $isInside (local.get $from) (local.get $length)))
      (then
        (i32.store8 $own (local.get $slot) (i32.const 0))
        (return (i32.const 0))))
    (block $other
      (br_if $other (i32.ne (local.get $known) (local.get $length)))
      ;; Eight at a time, and the rest one by one, because there may be nothing behind.
      (block $rest
        (loop $eights
          (br_if $rest (i32.lt_u (i32.sub (local.get $length) (local.get $i)) (i32.const 8)))
          (br_if $other
            (i64.ne
              (i64.load $own (i32.add (local.get $slot) (local.get $i)))
              (i64.load $guest (i32.add (local.get $from) (local.get $i)))))
          (local.set $i (i32.add (local.get $i) (i32.const 8)))
          (br $eights)))
      (block $same
        (loop $bytes
          (br_if $same (i32.ge_u (local.get $i) (local.get $length)))
          (br_if $other
            (i32.ne
              (i32.load8_u $own (i32.add (local.get $slot) (local.get $i)))
              (i32.load8_u $guest (i32.add (local.get $from) (local.get $i)))))
          (local.set $i (i32.add (local.get $i) (i32.const 1)))
          (br $bytes)))
      (return (i32.const 1)))
    (memory.copy $own $guest (local.get $slot) (local.get $from) (local.get $length))
    (i32.const 0))

  (func $isInside (param $at i32) (param $length i32) (result i32)
    (i64.le_u
      (i64.add (i64.extend_i32_u (local.get $at)) (i64.extend_i32_u (local.get $length)))
      (i64.shl (i64.extend_i32_u (memory.size $guest)) (i64.const 16)))))
