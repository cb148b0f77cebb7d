#include "packet.h"

#include <stdlib.h>
#include <string.h>

packet *packet_make(packet_kind kind, uint64_t first, uint64_t count, size_t size)
{
    packet *packet = malloc(sizeof *packet + size);
    if (packet) {
        memset(packet, 0, sizeof *packet);
        packet->head.kind = kind;
        packet->head.first = first;
        packet->head.count = count;
        packet->head.sizes[0] = size;
    }
    return packet;
}

packet *packet_of_text(packet_kind kind, uint64_t first, uint64_t count, const char *text)
{
    packet *packet = packet_make(kind, first, count, strlen(text) + 1);
    if (packet)
        memcpy(packet->data, text, strlen(text) + 1);
    return packet;
}

size_t packet_size(const packet *packet)
{
    size_t size = 0;
    for (int piece = 0; piece < PIECES; piece++)
        size += packet->head.sizes[piece];
    return size;
}
