;; Sets and reads the fuel that the gate wrote into a guest. From JavaScript each would be a call into the engine and a
;; bigint, which takes three times as long.
(module
  (import "guest" "penstock:fuel" (global $fuel (mut i64)))

  (func (export "fill") (param $fuel f64)
    (global.set $fuel (i64.trunc_sat_f64_s (local.get $fuel))))

  ;; Negative when the guest ran dry.
  (func (export "left") (result f64)
    (f64.convert_i64_s (global.get $fuel))))
