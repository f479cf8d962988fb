;; What `header_get` and `header_set` of penstock_v1 do for most calls, in the world of the guest: a call from Wasm to
;; JavaScript that looks into texts there costs ten times what the look itself does. Whatever is not plain goes on
;; to the host's own functions, which know all of it and say what is wrong.
;;
;; `field-lookup.ts` has the other half. The places of the memory:
;;
;;        0  f64                  fuel that is left for host calls
;;        8  i32                  the number of the running call
;;       12  i32                  how many writes of this call wait for the host
;;       16  2 x i32              of each message where its fields end; 0: not read, -1: to be asked for
;;       24  2 x i32              of each message whether it can be changed
;;       32  8 x i32              the writes: id, and 256 for a new field, 512 for another value, 1024 for the response
;;       64  256 names of 16      where it is; its length (0: none, -1: to be asked for); the call that wrote it;
;;                                the length of the value that was last written (-1: writes are to be asked for)
;;     4160  2 x 128 fields of 16 where the line starts, its colon, its end; a number to spare
;;     8256  2 x 128 bytes        the lengths of their names; 0 for a longer one than 255
;;     8512  16,000 bytes         the names, in lower case
;;    24512  2 x 16,384 bytes     the fields of each message, each "name: value" and CRLF; at the end some room,
;;                                because it is read in steps of 32
;;    65536  256 x 64 bytes       the values that were last written
(module
  (type $get (func (param i32 i32 i32 i32) (result i32)))
  (type $copy (func (param i32 i32 i32) (result i32)))
  (type $take (func (param i32 i32 i32 i32) (result i32)))
  (import "host" "header_get" (func $askForValue (type $get)))
  (import "host" "header_set" (func $askToSet (type $get)))
  ;; Puts the text of a message into its place; returns its length, or -1 when there is none like that.
  (import "host" "load" (func $load (param i32) (result i32)))
  (memory (export "memory") 2 2)
  ;; `copy` and `take` of copier.wat: the guest's memory does not exist when this module is made.
  (table (export "copier") 2 2 funcref)

  (func (export "header_get")
    (param $message i32) (param $id i32) (param $to i32) (param $cap i32) (result i32)
    (local $field i32) (local $value i32) (local $length i32) (local $fuel f64)
    (block $ask
      (br_if $ask (i32.gt_u (local.get $message) (i32.const 1)))
      (br_if $ask (i32.ge_u (local.get $id) (i32.const 256)))
      (br_if $ask (call $isWritten (local.get $id)))
      (local.set $field (call $find (local.get $message) (local.get $id)))
      (br_if $ask (i32.lt_s (local.get $field) (i32.const 0)))
      (if (i32.eqz (local.get $field)) (then (return (i32.const -1))))
      (local.set $value (call $valueStart (local.get $field)))
      (local.set $length (i32.sub (call $valueEnd (local.get $field) (local.get $value)) (local.get $value)))
      (if (i32.or
            (i32.eqz (local.get $length))
            (i32.gt_u (local.get $length) (local.get $cap)))
        (then (return (local.get $length))))
      (local.set $fuel (call $charged (local.get $length)))
      (br_if $ask (f64.lt (local.get $fuel) (f64.const 0)))
      (br_if $ask
        (i32.eqz
          (call_indirect (type $copy)
            (local.get $to)
            (local.get $value)
            (local.get $length)
            (i32.const 0))))
      (f64.store (i32.const 0) (local.get $fuel))
      (return (local.get $length)))
    ;; A tail call: no frame of this module is left for a stack trace.
    (return_call $askForValue (local.get $message) (local.get $id) (local.get $to) (local.get $cap)))

  (func (export "header_set")
    (param $message i32) (param $id i32) (param $from i32) (param $length i32) (result i32)
    (local $field i32) (local $name i32) (local $slot i32) (local $count i32) (local $entry i32) (local $fuel f64)
    (block $ask
      (br_if $ask (i32.gt_u (local.get $message) (i32.const 1)))
      (br_if $ask (i32.ge_u (local.get $id) (i32.const 256)))
      (br_if $ask (i32.eqz (i32.load offset=24 (i32.shl (local.get $message) (i32.const 2)))))
      (local.set $name (call $record (local.get $id)))
      (br_if $ask (i32.lt_s (i32.load offset=12 (local.get $name)) (i32.const 0)))
      (br_if $ask (call $isWritten (local.get $id)))
      ;; From 1 to 64.
      (br_if $ask (i32.ge_u (i32.sub (local.get $length) (i32.const 1)) (i32.const 64)))
      (local.set $count (i32.load (i32.const 12)))
      (br_if $ask (i32.ge_u (local.get $count) (i32.const 8)))
      (local.set $field (call $find (local.get $message) (local.get $id)))
      (br_if $ask (i32.lt_s (local.get $field) (i32.const 0)))
      (local.set $fuel (call $charged (local.get $length)))
      (br_if $ask (f64.lt (local.get $fuel) (f64.const 0)))
      (local.set $entry
        (i32.or
          (i32.or (local.get $id) (i32.shl (local.get $message) (i32.const 10)))
          (i32.shl (i32.eqz (local.get $field)) (i32.const 8))))
      (local.set $slot (i32.add (i32.const 65536) (i32.shl (local.get $id) (i32.const 6))))
      (if (i32.eqz
            (call_indirect (type $take)
              (local.get $slot)
              (i32.load offset=12 (local.get $name))
              (local.get $from)
              (local.get $length)
              (i32.const 1)))
        (then
          ;; It was another one, and is in the slot now: unless it did not fit, or is no value.
          (i32.store offset=12 (local.get $name) (i32.const 0))
          (br_if $ask (i32.eqz (call $isPlain (local.get $slot) (local.get $length))))
          (i32.store offset=12 (local.get $name) (local.get $length))
          (local.set $entry (i32.or (local.get $entry) (i32.const 512)))))
      (f64.store (i32.const 0) (local.get $fuel))
      (i32.store offset=8 (local.get $name) (i32.load (i32.const 8)))
      (i32.store offset=32 (i32.shl (local.get $count) (i32.const 2)) (local.get $entry))
      (i32.store (i32.const 12) (i32.add (local.get $count) (i32.const 1)))
      (return (i32.const 0)))
    (return_call $askToSet (local.get $message) (local.get $id) (local.get $from) (local.get $length)))

  (func $record (param $id i32) (result i32)
    (i32.add (i32.const 64) (i32.shl (local.get $id) (i32.const 4))))

  ;; Has the running call written a field of this name?
  (func $isWritten (param $id i32) (result i32)
    (i32.eq (i32.load offset=8 (call $record (local.get $id))) (i32.load (i32.const 8))))

  ;; What is left when a host call that moves so many bytes was paid: see GuestMemory.charge.
  (func $charged (param $length i32) (result f64)
    (f64.sub
      (f64.load (i32.const 0))
      (f64.convert_i32_u (i32.add (i32.const 50) (i32.shr_u (local.get $length) (i32.const 3))))))

  ;; The first field of this name: 0 when there is none, -1 when the host is to be asked.
  (func $find (param $message i32) (param $id i32) (result i32)
    (local $name i32) (local $size i32) (local $wanted i32) (local $first i32) (local $field i32) (local $end i32)
    (local $lengths i32) (local $same i32) (local $at i32) (local $i i32) (local $differ i64)
    (local.set $name (call $record (local.get $id)))
    (local.set $size (i32.load offset=4 (local.get $name)))
    (if (i32.le_s (local.get $size) (i32.const 0)) (then (return (i32.const -1))))
    (local.set $end (i32.load offset=16 (i32.shl (local.get $message) (i32.const 2))))
    (if (i32.eqz (local.get $end)) (then (local.set $end (call $read (local.get $message)))))
    (if (i32.lt_s (local.get $end) (i32.const 0)) (then (return (i32.const -1))))
    (local.set $wanted (i32.load (local.get $name)))
    (local.set $first (i32.add (i32.const 4160) (i32.shl (local.get $message) (i32.const 11))))
    (local.set $lengths (i32.add (i32.const 8256) (i32.shl (local.get $message) (i32.const 7))))
    (loop $sixteens
      (if (i32.ge_u (local.get $first) (local.get $end)) (then (return (i32.const 0))))
      ;; Of sixteen fields those whose names are as long.
      (local.set $same
        (i8x16.bitmask
          (i8x16.eq (v128.load (local.get $lengths)) (i8x16.splat (local.get $size)))))
      (block $none
        (loop $fields
          (br_if $none (i32.eqz (local.get $same)))
          (local.set $field
            (i32.add (local.get $first) (i32.shl (i32.ctz (local.get $same)) (i32.const 4))))
          ;; Behind the last one are lengths of an earlier call.
          (if (i32.ge_u (local.get $field) (local.get $end)) (then (return (i32.const 0))))
          (local.set $same (i32.and (local.get $same) (i32.sub (local.get $same) (i32.const 1))))
          (local.set $at (i32.load (local.get $field)))
          (local.set $i (i32.const 0))
          (loop $letters
            ;; Eight at a time, in lower case. Of the characters of names only ^ and ~ are taken for each other; names
            ;; with them are asked for.
            (local.set $differ
              (i64.xor
                (i64.or
                  (i64.load (i32.add (local.get $at) (local.get $i)))
                  (i64.const 0x2020202020202020))
                (i64.load (i32.add (local.get $wanted) (local.get $i)))))
            (local.set $i (i32.add (local.get $i) (i32.const 8)))
            ;; Behind the end anything may stand: the first character is the lowest byte.
            (if (i32.gt_u (local.get $i) (local.get $size))
              (then
                (local.set $differ
                  (i64.shl
                    (local.get $differ)
                    (i64.extend_i32_u
                      (i32.shl (i32.sub (local.get $i) (local.get $size)) (i32.const 3)))))))
            (br_if $fields (i64.ne (local.get $differ) (i64.const 0)))
            (br_if $letters (i32.lt_u (local.get $i) (local.get $size))))
          (return (local.get $field))))
      (local.set $first (i32.add (local.get $first) (i32.const 256)))
      (local.set $lengths (i32.add (local.get $lengths) (i32.const 16)))
      (br $sixteens))
    (unreachable))

  ;; Notes where the fields of a message are; returns where the notes end, or -1 when the host is to be asked.
  (func $read (param $message i32) (result i32)
    (local $at i32) (local $end i32) (local $field i32) (local $last i32) (local $length i32) (local $lengths i32)
    (local $line i32) (local $colons i32) (local $returns i32) (local $place i32) (local $isInValue i32)
    (local $colon v128) (local $return v128)
    (local.set $colon (i8x16.splat (i32.const 0x3a)))
    (local.set $return (i8x16.splat (i32.const 0x0d)))
    (local.set $field (i32.add (i32.const 4160) (i32.shl (local.get $message) (i32.const 11))))
    (local.set $last (i32.add (local.get $field) (i32.const 2048)))
    (local.set $lengths (i32.add (i32.const 8256) (i32.shl (local.get $message) (i32.const 7))))
    (local.set $at (i32.add (i32.const 24512) (i32.shl (local.get $message) (i32.const 14))))
    (local.set $line (local.get $at))
    (local.set $length (call $load (local.get $message)))
    (block $done
      (block $asked
        (br_if $asked (i32.lt_s (local.get $length) (i32.const 0)))
        (local.set $end (i32.add (local.get $at) (local.get $length)))
        ;; Thirty-two bytes at a time, each looked at once. Behind the end stands what an earlier call has left.
        (loop $steps
          (br_if $done (i32.ge_u (local.get $line) (local.get $end)))
          (br_if $asked (i32.ge_u (local.get $at) (local.get $end)))
          (local.set $colons (call $marks (local.get $at) (local.get $colon)))
          (local.set $returns (call $marks (local.get $at) (local.get $return)))
          (block $next
            (loop $lines
              (if (i32.eqz (local.get $isInValue))
                (then
                  (br_if $next (i32.eqz (local.get $colons)))
                  (br_if $asked (i32.ge_u (local.get $field) (local.get $last)))
                  (local.set $place (i32.add (local.get $at) (i32.ctz (local.get $colons))))
                  (i32.store (local.get $field) (local.get $line))
                  (i32.store offset=4 (local.get $field) (local.get $place))
                  (local.set $length (i32.sub (local.get $place) (local.get $line)))
                  (i32.store8 (local.get $lengths)
                    (select (local.get $length) (i32.const 0) (i32.le_u (local.get $length) (i32.const 255))))
                  (local.set $lengths (i32.add (local.get $lengths) (i32.const 1)))
                  (local.set $isInValue (i32.const 1))))
              (br_if $next (i32.eqz (local.get $returns)))
              (local.set $place (i32.ctz (local.get $returns)))
              (i32.store offset=8 (local.get $field) (i32.add (local.get $at) (local.get $place)))
              (local.set $field (i32.add (local.get $field) (i32.const 16)))
              (local.set $line (i32.add (i32.add (local.get $at) (local.get $place)) (i32.const 2)))
              (local.set $isInValue (i32.const 0))
              (local.set $returns (i32.and (local.get $returns) (i32.sub (local.get $returns) (i32.const 1))))
              ;; Those before the end of the line are of its value.
              (local.set $colons
                (i32.and (local.get $colons) (i32.shl (i32.const -1) (local.get $place))))
              (br_if $lines (i32.lt_u (local.get $line) (local.get $end)))))
          (local.set $at (i32.add (local.get $at) (i32.const 32)))
          (br $steps)))
      (local.set $field (i32.const -1)))
    (i32.store offset=16 (i32.shl (local.get $message) (i32.const 2)) (local.get $field))
    (local.get $field))

  ;; Which of thirty-two bytes are these, a bit for each.
  (func $marks (param $at i32) (param $bytes v128) (result i32)
    (i32.or
      (i8x16.bitmask (i8x16.eq (v128.load (local.get $at)) (local.get $bytes)))
      (i32.shl
        (i8x16.bitmask (i8x16.eq (v128.load offset=16 (local.get $at)) (local.get $bytes)))
        (i32.const 16))))

  ;; Blanks around a value are none of it.
  (func $valueStart (param $field i32) (result i32)
    (local $at i32) (local $end i32)
    (local.set $at (i32.load offset=4 (local.get $field)))
    (local.set $end (i32.load offset=8 (local.get $field)))
    (loop $blanks
      (local.set $at (i32.add (local.get $at) (i32.const 1)))
      (br_if $blanks
        (i32.and (i32.lt_u (local.get $at) (local.get $end)) (call $isBlank (local.get $at)))))
    (local.get $at))

  (func $valueEnd (param $field i32) (param $start i32) (result i32)
    (local $end i32)
    (local.set $end (i32.load offset=8 (local.get $field)))
    (block $trimmed
      (loop $blanks
        (br_if $trimmed (i32.ge_u (local.get $start) (local.get $end)))
        (br_if $trimmed (i32.eqz (call $isBlank (i32.sub (local.get $end) (i32.const 1)))))
        (local.set $end (i32.sub (local.get $end) (i32.const 1)))
        (br $blanks)))
    (local.get $end))

  (func $isBlank (param $at i32) (result i32)
    (local $byte i32)
    (local.set $byte (i32.load8_u (local.get $at)))
    (i32.or
      (i32.eq (local.get $byte) (i32.const 0x20))
      (i32.eq (local.get $byte) (i32.const 0x09))))

  ;; Visible ASCII and spaces, no space at either end: a value for sure. The host knows the rest.
  (func $isPlain (param $at i32) (param $length i32) (result i32)
    (local $end i32)
    (local.set $end (i32.add (local.get $at) (local.get $length)))
    (if (i32.eq (i32.load8_u (local.get $at)) (i32.const 0x20)) (then (return (i32.const 0))))
    (if (i32.eq (i32.load8_u (i32.sub (local.get $end) (i32.const 1))) (i32.const 0x20))
      (then (return (i32.const 0))))
    (loop $bytes
      (if (i32.gt_u (i32.sub (i32.load8_u (local.get $at)) (i32.const 0x20)) (i32.const 0x5e))
        (then (return (i32.const 0))))
      (local.set $at (i32.add (local.get $at) (i32.const 1)))
      (br_if $bytes (i32.lt_u (local.get $at) (local.get $end))))
    (i32.const 1)))
