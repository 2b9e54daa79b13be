/* A load of chat completions on 127.0.0.1, checked and timed.
 *
 *   load PORT CONNECTIONS SECONDS RATE MODEL KEY (plain|stream) [PATH [HEADERS [TEXT_BYTES]]]
 *
 * RATE 0: each connection sends again as soon as its answer is whole. Else RATE calls a second on
 * a timetable, and latency counts from the planned instant, so a late gateway cannot hide it.
 * PATH is /v1/chat/completions unless it is given; HEADERS are more lines for every call, TEXT_BYTES
 * how long the message is that is sent (600).
 * Calls begun in time are waited for. An answer is good when its status is 200, it reports usage
 * and, streamed, ends with [DONE]. Prints one JSON object; times are microseconds.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

enum { SAMPLES_MAX = 1 << 22, HEAD_MAX = 8192, TAIL = 15, PATIENCE_US = 30000000 };
enum state { HEAD, LENGTH, SIZE, DATA, DATA_END, TRAILER };

struct call {
  int fd, busy, status, usage, done, closes, first;
  enum state state;
  long long planned_us;
  size_t left, line, tail_bytes;
  char head[HEAD_MAX + 1], tail[2 * TAIL];
  size_t head_bytes;
};

struct samples {
  uint32_t *us;
  size_t count;
};

static int port, epoll, streamed;
static char *request;
static size_t request_bytes;
static long long calls, events, bad, turned_away;
static struct samples latency, first_byte;

static long long now_us(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * 1000000LL + t.tv_nsec / 1000;
}

static void note(struct samples *s, long long us) {
  if (s->count < SAMPLES_MAX) s->us[s->count++] = (uint32_t)us;
}

static void dial(struct call *c) {
  struct sockaddr_in address = {.sin_family = AF_INET,
                                .sin_port = htons((unsigned short)port),
                                .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  int one = 1;
  c->fd = socket(AF_INET, SOCK_STREAM, 0);
  if (connect(c->fd, (void *)&address, sizeof address)) {
    perror("load: connect");
    exit(1);
  }
  setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  epoll_ctl(epoll, EPOLL_CTL_ADD, c->fd, &(struct epoll_event){EPOLLIN, {.ptr = c}});
}

static void begin(struct call *c, long long planned_us) {
  c->busy = 1;
  c->status = c->usage = c->done = c->closes = c->first = 0;
  c->state = HEAD;
  c->head_bytes = c->tail_bytes = c->line = 0;
  c->planned_us = planned_us;
  for (size_t sent = 0; sent < request_bytes;) {
    ssize_t n = send(c->fd, request + sent, request_bytes - sent, MSG_NOSIGNAL);
    if (n < 0) { /* the gateway closed an idle connection */
      close(c->fd);
      dial(c);
      sent = 0;
      continue;
    }
    sent += (size_t)n;
  }
}

/* Looks for the marks of a good answer, across the cuts of reads and chunks. */
static void look(struct call *c, const char *data, size_t size) {
  size_t head = size < TAIL ? size : TAIL;
  memcpy(c->tail + c->tail_bytes, data, head);
  size_t seam = c->tail_bytes + head;
  c->usage |= memmem(c->tail, seam, "\"prompt_tokens\"", 15) || memmem(data, size, "\"prompt_tokens\"", 15);
  c->done |= memmem(c->tail, seam, "[DONE]", 6) || memmem(data, size, "[DONE]", 6);
  for (const char *at = data; (at = memmem(at, (size_t)(data + size - at), "data: ", 6)); at += 6) events++;
  size_t keep = size < TAIL ? (seam < TAIL ? seam : TAIL) : TAIL;
  memmove(c->tail, size < TAIL ? c->tail + seam - keep : data + size - keep, keep);
  c->tail_bytes = keep;
  if (!c->first && size) {
    c->first = 1;
    note(&first_byte, now_us() - c->planned_us);
  }
}

/* Takes the head when it is whole; returns how many of the new bytes belong to it, -1: too long. */
static long take_head(struct call *c, const char *data, size_t size) {
  size_t before = c->head_bytes, room = HEAD_MAX - before, part = size < room ? size : room;
  memcpy(c->head + before, data, part);
  c->head_bytes += part;
  c->head[c->head_bytes] = 0;
  char *end = strstr(c->head, "\r\n\r\n");
  if (!end) return c->head_bytes == HEAD_MAX ? -1 : (long)part;
  end[2] = 0;
  c->status = atoi(c->head + 9);
  c->closes = strcasestr(c->head, "\nconnection: close") != NULL;
  char *length = strcasestr(c->head, "\ncontent-length:");
  c->left = length ? strtoul(length + 16, 0, 10) : 0;
  c->state = length ? LENGTH : SIZE;
  return (long)((size_t)(end + 4 - c->head) - before);
}

/* Reads an answer on; 1: it is whole, -1: it makes no sense. */
static int read_on(struct call *c, const char *data, size_t size) {
  while (size) {
    size_t part;
    if (c->state == HEAD) {
      long taken = take_head(c, data, size);
      if (taken < 0) return -1;
      data += taken;
      size -= (size_t)taken;
      if (c->state == LENGTH && !c->left) return 1;
      continue;
    }
    switch (c->state) {
      case LENGTH:
      case DATA:
        part = size < c->left ? size : c->left;
        look(c, data, part);
        data += part;
        size -= part;
        c->left -= part;
        if (c->left) break;
        if (c->state == LENGTH) return 1;
        c->state = DATA_END;
        break;
      default:
        part = 1;
        if (*data == '\n') {
          if (c->state == TRAILER && !c->line) return 1;
          if (c->state == SIZE) c->state = c->left ? DATA : TRAILER;
          else if (c->state == DATA_END) c->state = SIZE, c->left = 0;
          c->line = 0;
        } else if (*data != '\r') {
          c->line++;
          if (c->state == SIZE)
            c->left = c->left * 16 + (size_t)(*data <= '9' ? *data - '0' : (*data | 32) - 'a' + 10);
        }
        data++;
        size--;
    }
  }
  return 0;
}

static void finish(struct call *c, int whole) {
  c->busy = 0;
  calls++;
  note(&latency, now_us() - c->planned_us);
  if (!whole || c->status != 200 || !c->usage || (streamed && !c->done)) bad++;
  if (whole && c->status == 503) turned_away++;
  if (c->closes || !whole) {
    close(c->fd);
    dial(c);
  }
}

static int by_size(const void *a, const void *b) {
  uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
  return (x > y) - (x < y);
}

static uint32_t percentile(struct samples *s, int percent) {
  return s->count ? s->us[(s->count - 1) * (size_t)percent / 100] : 0;
}

static void prepare_request(const char *model, const char *key, const char *path, const char *headers,
                            size_t text_bytes) {
  size_t room = text_bytes + 8192;
  char *text = malloc(text_bytes + 1), *body = malloc(room);
  for (size_t i = 0; i < text_bytes; i++) text[i] = i % 7 == 6 ? ' ' : (char)('a' + i % 23);
  text[text_bytes] = 0;
  request = malloc(room + 8192);
  int size = snprintf(body, room,
      "{\"model\":\"%s\",\"messages\":[{\"role\":\"system\",\"content\":\"Answer briefly.\"},"
      "{\"role\":\"user\",\"content\":\"%s\"}],\"temperature\":0.7,\"max_tokens\":256%s}",
      model, text, streamed ? ",\"stream\":true,\"stream_options\":{\"include_usage\":true}" : "");
  request_bytes = (size_t)snprintf(request, room + 8192,
      "POST %s HTTP/1.1\r\nhost: 127.0.0.1:%d\r\nauthorization: Bearer %s\r\n"
      "content-type: application/json\r\naccept: application/json\r\n"
      "user-agent: headgate-bench\r\n%s%scontent-length: %d\r\n\r\n%s",
      path, port, key, headers, *headers ? "\r\n" : "", size, body);
  free(text);
  free(body);
}

static struct call *crew, **idle;
static int crew_size, idle_count;
static long long begun_us, end_us;

static void take_ready(struct call *c, double rate) {
  static char data[1 << 18];
  ssize_t got = recv(c->fd, data, sizeof data, MSG_DONTWAIT);
  if (got < 0 && errno == EAGAIN) return;
  if (!c->busy) { /* closed while idle */
    close(c->fd);
    dial(c);
    return;
  }
  int whole = got <= 0 ? -1 : read_on(c, data, (size_t)got);
  if (!whole) return;
  finish(c, whole > 0);
  if (rate > 0) idle[idle_count++] = c;
  else if (now_us() < end_us) begin(c, now_us());
}

static void run(double rate) {
  int timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK);
  epoll_ctl(epoll, EPOLL_CTL_ADD, timer, &(struct epoll_event){EPOLLIN, {.ptr = NULL}});
  struct epoll_event ready[256];
  long long planned = 0;
  for (int i = 0; i < crew_size; i++) {
    if (rate > 0) idle[idle_count++] = crew + i;
    else begin(crew + i, now_us());
  }
  for (;;) {
    long long now = now_us(), next = end_us;
    if (rate > 0)
      while ((next = begun_us + (long long)((double)planned * 1e6 / rate)) <= now && next < end_us && idle_count) {
        begin(idle[--idle_count], next);
        planned++;
      }
    int busy = 0;
    if (now >= end_us) {
      for (int i = 0; i < crew_size; i++) busy += crew[i].busy;
      if (!busy || now > end_us + PATIENCE_US) {
        bad += busy;
        return;
      }
    } else if (idle_count || rate <= 0) {
      if (next > end_us) next = end_us;
      struct itimerspec at = {.it_value = {next / 1000000, next % 1000000 * 1000}};
      timerfd_settime(timer, TFD_TIMER_ABSTIME, &at, NULL);
    }
    int count = epoll_wait(epoll, ready, 256, 100);
    for (int i = 0; i < count; i++) {
      uint64_t expired;
      if (ready[i].data.ptr) take_ready(ready[i].data.ptr, rate);
      else if (read(timer, &expired, sizeof expired) < 0) continue;
    }
  }
}

int main(int count, char **arguments) {
  if (count < 8 || count > 11) return 2;
  signal(SIGPIPE, SIG_IGN);
  port = atoi(arguments[1]);
  crew_size = atoi(arguments[2]);
  streamed = !strcmp(arguments[7], "stream");
  prepare_request(arguments[5], arguments[6], count > 8 ? arguments[8] : "/v1/chat/completions",
                  count > 9 ? arguments[9] : "", count > 10 ? strtoul(arguments[10], 0, 10) : 600);
  latency.us = malloc(SAMPLES_MAX * sizeof *latency.us);
  first_byte.us = malloc(SAMPLES_MAX * sizeof *first_byte.us);
  crew = calloc((size_t)crew_size, sizeof *crew);
  idle = calloc((size_t)crew_size, sizeof *idle);
  epoll = epoll_create1(0);
  for (int i = 0; i < crew_size; i++) dial(crew + i);
  begun_us = now_us();
  end_us = begun_us + (long long)(atof(arguments[3]) * 1e6);
  run(atof(arguments[4]));
  double seconds = (double)(now_us() - begun_us) / 1e6;
  qsort(latency.us, latency.count, sizeof *latency.us, by_size);
  qsort(first_byte.us, first_byte.count, sizeof *first_byte.us, by_size);
  printf("{\"calls\":%lld,\"events\":%lld,\"bad\":%lld,\"turned_away\":%lld,\"seconds\":%.3f,\"latency_us_p50\":%u,"
         "\"latency_us_p99\":%u,\"ttft_us_p50\":%u,\"ttft_us_p99\":%u}\n",
         calls, events, bad, turned_away, seconds, percentile(&latency, 50), percentile(&latency, 99),
         percentile(&first_byte, 50), percentile(&first_byte, 99));
}
