;; Moves bytes between the memory of a guest and that of lookup.wat.
(module
  (import "guest" "memory" (memory $guest 0))
  (import "lookup" "memory" (memory $own 2))

  ;; Gives bytes to the guest; 0 when its memory has no such place.
  (func (export "copy") (param $to i32) (param $from i32) (param $length i32) (result i32)
    (if (i32.eqz (call $isInside (local.get $to) (local.get $length)))
      (then (return (i32.const 0))))
    (memory.copy $guest $own (local.get $to) (local.get $from) (local.get $length))
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
      (loop $bytes
        (br_if $other
          (i32.ne
            (i32.load8_u $own (i32.add (local.get $slot) (local.get $i)))
            (i32.load8_u $guest (i32.add (local.get $from) (local.get $i)))))
        (local.set $i (i32.add (local.get $i) (i32.const 1)))
        (br_if $bytes (i32.lt_u (local.get $i) (local.get $length))))
      (return (i32.const 1)))
    (memory.copy $own $guest (local.get $slot) (local.get $from) (local.get $length))
    (i32.const 0))

  (func $isInside (param $at i32) (param $length i32) (result i32)
    (i64.le_u
      (i64.add (i64.extend_i32_u (local.get $at)) (i64.extend_i32_u (local.get $length)))
      (i64.shl (i64.extend_i32_u (memory.size $guest)) (i64.const 16)))))
