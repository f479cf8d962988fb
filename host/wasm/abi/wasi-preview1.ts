import type { Signature } from './abi-table.ts'

const ONE = '(i32) -> i32'
const TWO = '(i32, i32) -> i32'
const THREE = '(i32, i32, i32) -> i32'
const FOUR = '(i32, i32, i32, i32) -> i32'
const FIVE = '(i32, i32, i32, i32, i32) -> i32'
const SIX = '(i32, i32, i32, i32, i32, i32) -> i32'

/**
 * Every call of WASI preview 1 (`wasi_snapshot_preview1`). A module may import any of them: toolchains do,
 * whether the program uses files or not. What `wasi-calls.ts` does not implement answers ENOSYS.
 */
export const WASI_PREVIEW1 = {
  args_get: TWO,
  args_sizes_get: TWO,
  clock_res_get: TWO,
  clock_time_get: '(i32, i64, i32) -> i32',
  environ_get: TWO,
  environ_sizes_get: TWO,
  fd_advise: '(i32, i64, i64, i32) -> i32',
  fd_allocate: '(i32, i64, i64) -> i32',
  fd_close: ONE,
  fd_datasync: ONE,
  fd_fdstat_get: TWO,
  fd_fdstat_set_flags: TWO,
  fd_fdstat_set_rights: '(i32, i64, i64) -> i32',
  fd_filestat_get: TWO,
  fd_filestat_set_size: '(i32, i64) -> i32',
  fd_filestat_set_times: '(i32, i64, i64, i32) -> i32',
  fd_pread: '(i32, i32, i32, i64, i32) -> i32',
  fd_prestat_dir_name: THREE,
  fd_prestat_get: TWO,
  fd_pwrite: '(i32, i32, i32, i64, i32) -> i32',
  fd_read: FOUR,
  fd_readdir: '(i32, i32, i32, i64, i32) -> i32',
  fd_renumber: TWO,
  fd_seek: '(i32, i64, i32, i32) -> i32',
  fd_sync: ONE,
  fd_tell: TWO,
  fd_write: FOUR,
  path_create_directory: THREE,
  path_filestat_get: FIVE,
  path_filestat_set_times: '(i32, i32, i32, i32, i64, i64, i32) -> i32',
  path_link: '(i32, i32, i32, i32, i32, i32, i32) -> i32',
  path_open: '(i32, i32, i32, i32, i32, i64, i64, i32, i32) -> i32',
  path_readlink: SIX,
  path_remove_directory: THREE,
  path_rename: SIX,
  path_symlink: FIVE,
  path_unlink_file: THREE,
  poll_oneoff: FOUR,
  proc_exit: '(i32)',
  proc_raise: ONE,
  random_get: TWO,
  sched_yield: '() -> i32',
  sock_accept: THREE,
  sock_recv: SIX,
  sock_send: FIVE,
  sock_shutdown: TWO,
} as const satisfies Readonly<Record<string, Signature>>
