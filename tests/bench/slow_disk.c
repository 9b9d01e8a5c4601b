/* Preloaded into Postgres: while the file of this variable exists, each fsync takes a millisecond more. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>
#include <unistd.h>

static void wait_if_slow(void) {
  static const char *path = 0;
  if (!path) path = getenv("MUNIMENT_BENCH_SLOW_DISK");
  if (path && access(path, F_OK) == 0) usleep(1000);
}

int fsync(int file) {
  static int (*real)(int) = 0;
  if (!real) real = (int (*)(int))dlsym(RTLD_NEXT, "fsync");
  wait_if_slow();
  return real(file);
}

int fdatasync(int file) {
  static int (*real)(int) = 0;
  if (!real) real = (int (*)(int))dlsym(RTLD_NEXT, "fdatasync");
  wait_if_slow();
  return real(file);
}
