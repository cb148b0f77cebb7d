#include "file_bytes.h"

#include <errno.h>
#include <unistd.h>

ssize_t file_read_at(int file, void *bytes, size_t size, uint64_t at)
{
    size_t done = 0;
    while (done < size) {
        const ssize_t got = pread(file, (char *)bytes + done, size - done, (off_t)(at + done));
        if (got == 0)
            break;
        if (got < 0 && errno != EINTR)
            return -1;
        done += got > 0 ? (size_t)got : 0;
    }
    return (ssize_t)done;
}

int file_write(int file, const void *bytes, size_t size, const uint64_t *at)
{
    size_t done = 0;
    while (done < size) {
        const char *rest = (const char *)bytes + done;
        const ssize_t put = at ? pwrite(file, rest, size - done, (off_t)(*at + done)) : write(file, rest, size - done);
        if (put < 0 && errno != EINTR)
            return -1;
        done += put > 0 ? (size_t)put : 0;
    }
    return 0;
}
