/** The file's name is the name of the import module: functions of the embedding program. */
export declare function plan(ptr: usize, len: i32): i32
