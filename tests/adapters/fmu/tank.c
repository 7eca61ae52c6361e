/* A tank behind a filter, as an FMU: A dh/dt = q - k h, tau df/dt = h - f, solved exactly for a held q.
   FMI is 2 or 3. What is asked for by -D: HIDDEN: f is no variable. SAVES: the state can be saved. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { H, F, AREA, K, TAU, Q, OUTFLOW, VOLUME, FAILS_AT, BREAKS_AT, CLOCK, MODE, COUNT };

typedef struct { double v[COUNT]; int mode; } Tank;

static void defaults(Tank *t) {
    memset(t, 0, sizeof *t);
    t->v[H] = 1.0; t->v[F] = 1.0; t->v[AREA] = 2.0; t->v[K] = 0.5; t->v[TAU] = 3.0;
    t->v[FAILS_AT] = 1e300; t->v[BREAKS_AT] = 1e300; t->mode = 1;
}

static double get(const Tank *t, unsigned r) {
    switch (r) {
        case OUTFLOW: return t->v[K] * t->v[H];
        case VOLUME: return t->mode * t->v[AREA] * t->v[H];
        default: return t->v[r];
    }
}

static int step(Tank *t, double time, double h) {
    double q = t->v[Q], k = t->v[K], a = k / t->v[AREA], b = 1.0 / t->v[TAU], rest = q / k;
    double above = t->v[H] - rest, part = above * b / (b - a), e = exp(-a * h);
    if (fabs(time - t->v[CLOCK]) > 1e-9 * (1.0 + fabs(time))) return 3;
    if (time + h > t->v[FAILS_AT]) return 3;
    t->v[F] = rest + part * e + (t->v[F] - rest - part) * exp(-b * h);
    t->v[H] = rest + above * e;
    if (time + h > t->v[BREAKS_AT]) t->v[H] = NAN;
    t->v[CLOCK] = time + h;
    return 0;
}

#define STUB(name) int name(void) { return 3; }

#if FMI == 2
typedef void (*Logger)(void *, const char *, int, const char *, const char *, ...);
typedef struct { Logger logger; void *(*alloc)(size_t, size_t); void (*release)(void *); void *f; void *e; } Callbacks;
typedef struct { Tank tank; Logger logger; } Instance;
typedef unsigned Ref;
typedef int Bool;

void *fmi2Instantiate(const char *n, int type, const char *g, const char *res, const Callbacks *c, int v, int l) {
    Instance *i = malloc(sizeof *i);
    defaults(&i->tank); i->logger = c->logger;
    return i;
}
void fmi2FreeInstance(Instance *i) { free(i); }
int fmi2SetupExperiment(Instance *i, int d, double tol, double start, int s, double stop) { i->tank.v[CLOCK] = start; return 0; }
int fmi2EnterInitializationMode(Instance *i) { return 0; }
int fmi2ExitInitializationMode(Instance *i) { return 0; }
int fmi2Terminate(Instance *i) { return 0; }
int fmi2Reset(Instance *i) { defaults(&i->tank); return 0; }
int fmi2GetReal(Instance *i, const Ref *r, size_t n, double *v) { for (size_t k = 0; k < n; k++) v[k] = get(&i->tank, r[k]); return 0; }
int fmi2SetReal(Instance *i, const Ref *r, size_t n, const double *v) { for (size_t k = 0; k < n; k++) i->tank.v[r[k]] = v[k]; return 0; }
int fmi2SetInteger(Instance *i, const Ref *r, size_t n, const int *v) { for (size_t k = 0; k < n; k++) i->tank.mode = v[k]; return 0; }
int fmi2DoStep(Instance *i, double t, double h, int keep) {
    int status = step(&i->tank, t, h);
    if (status) i->logger(0, "tank", status, "error", "no step beyond %g s", i->tank.v[FAILS_AT]);
    return status;
}
#ifdef SAVES
int fmi2GetFMUstate(Instance *i, Tank **s) { if (!*s) *s = malloc(sizeof **s); **s = i->tank; return 0; }
int fmi2SetFMUstate(Instance *i, Tank *s) { i->tank = *s; return 0; }
int fmi2FreeFMUstate(Instance *i, Tank **s) { free(*s); *s = 0; return 0; }
int fmi2SerializedFMUstateSize(Instance *i, Tank *s, size_t *n) { *n = sizeof *s; return 0; }
int fmi2SerializeFMUstate(Instance *i, Tank *s, char *b, size_t n) { memcpy(b, s, n); return 0; }
int fmi2DeSerializeFMUstate(Instance *i, const char *b, size_t n, Tank **s) { if (!*s) *s = malloc(sizeof **s); memcpy(*s, b, n); return 0; }
#else
STUB(fmi2GetFMUstate) STUB(fmi2SetFMUstate) STUB(fmi2FreeFMUstate)
STUB(fmi2SerializedFMUstateSize) STUB(fmi2SerializeFMUstate) STUB(fmi2DeSerializeFMUstate)
#endif
STUB(fmi2GetTypesPlatform) STUB(fmi2GetVersion) STUB(fmi2SetDebugLogging) STUB(fmi2GetInteger) STUB(fmi2GetBoolean)
STUB(fmi2GetString) STUB(fmi2SetBoolean) STUB(fmi2SetString) STUB(fmi2GetDirectionalDerivative)
STUB(fmi2SetRealInputDerivatives) STUB(fmi2GetRealOutputDerivatives) STUB(fmi2CancelStep) STUB(fmi2GetStatus)
STUB(fmi2GetRealStatus) STUB(fmi2GetIntegerStatus) STUB(fmi2GetBooleanStatus) STUB(fmi2GetStringStatus)
#else
#include <stdbool.h>
typedef void (*Logger)(void *, int, const char *, const char *);
typedef struct { Tank tank; Logger logger; } Instance;
typedef unsigned Ref;

void *fmi3InstantiateCoSimulation(const char *n, const char *g, const char *res, bool v, bool l, bool e, bool early,
                                  const Ref *r, size_t nr, void *env, Logger logger, void *update) {
    Instance *i = malloc(sizeof *i);
    defaults(&i->tank); i->logger = logger;
    return i;
}
void fmi3FreeInstance(Instance *i) { free(i); }
int fmi3EnterInitializationMode(Instance *i, bool d, double tol, double start, bool s, double stop) { i->tank.v[CLOCK] = start; return 0; }
int fmi3ExitInitializationMode(Instance *i) { return 0; }
int fmi3Terminate(Instance *i) { return 0; }
int fmi3Reset(Instance *i) { defaults(&i->tank); return 0; }
int fmi3GetFloat64(Instance *i, const Ref *r, size_t n, double *v, size_t m) { for (size_t k = 0; k < n; k++) v[k] = get(&i->tank, r[k]); return 0; }
int fmi3SetFloat64(Instance *i, const Ref *r, size_t n, const double *v, size_t m) { for (size_t k = 0; k < n; k++) i->tank.v[r[k]] = v[k]; return 0; }
int fmi3SetInt32(Instance *i, const Ref *r, size_t n, const int *v, size_t m) { for (size_t k = 0; k < n; k++) i->tank.mode = v[k]; return 0; }
int fmi3DoStep(Instance *i, double t, double h, bool keep, bool *event, bool *end, bool *early, double *last) {
    int status = step(&i->tank, t, h);
    *event = *end = *early = false; *last = t + h;
    if (status) i->logger(0, status, "error", "no step beyond its limit");
    return status;
}
#ifdef SAVES
int fmi3GetFMUState(Instance *i, Tank **s) { if (!*s) *s = malloc(sizeof **s); **s = i->tank; return 0; }
int fmi3SetFMUState(Instance *i, Tank *s) { i->tank = *s; return 0; }
int fmi3FreeFMUState(Instance *i, Tank **s) { free(*s); *s = 0; return 0; }
int fmi3SerializedFMUStateSize(Instance *i, Tank *s, size_t *n) { *n = sizeof *s; return 0; }
int fmi3SerializeFMUState(Instance *i, Tank *s, unsigned char *b, size_t n) { memcpy(b, s, n); return 0; }
int fmi3DeserializeFMUState(Instance *i, const unsigned char *b, size_t n, Tank **s) { if (!*s) *s = malloc(sizeof **s); memcpy(*s, b, n); return 0; }
#else
STUB(fmi3GetFMUState) STUB(fmi3SetFMUState) STUB(fmi3FreeFMUState)
STUB(fmi3SerializedFMUStateSize) STUB(fmi3SerializeFMUState) STUB(fmi3DeserializeFMUState)
#endif
STUB(fmi3ActivateModelPartition) STUB(fmi3CompletedIntegratorStep) STUB(fmi3EnterConfigurationMode)
STUB(fmi3EnterContinuousTimeMode) STUB(fmi3EnterEventMode) STUB(fmi3EnterStepMode) STUB(fmi3EvaluateDiscreteStates)
STUB(fmi3ExitConfigurationMode) STUB(fmi3GetAdjointDerivative) STUB(fmi3GetBinary) STUB(fmi3GetBoolean)
STUB(fmi3GetClock) STUB(fmi3GetContinuousStateDerivatives) STUB(fmi3GetContinuousStates)
STUB(fmi3GetDirectionalDerivative) STUB(fmi3GetEventIndicators) STUB(fmi3GetFloat32) STUB(fmi3GetInt16)
STUB(fmi3GetInt32) STUB(fmi3GetInt64) STUB(fmi3GetInt8) STUB(fmi3GetIntervalDecimal) STUB(fmi3GetIntervalFraction)
STUB(fmi3GetNominalsOfContinuousStates) STUB(fmi3GetNumberOfContinuousStates) STUB(fmi3GetNumberOfEventIndicators)
STUB(fmi3GetNumberOfVariableDependencies) STUB(fmi3GetOutputDerivatives) STUB(fmi3GetShiftDecimal)
STUB(fmi3GetShiftFraction) STUB(fmi3GetString) STUB(fmi3GetUInt16) STUB(fmi3GetUInt32) STUB(fmi3GetUInt64)
STUB(fmi3GetUInt8) STUB(fmi3GetVariableDependencies) STUB(fmi3GetVersion) STUB(fmi3InstantiateModelExchange)
STUB(fmi3InstantiateScheduledExecution) STUB(fmi3SetBinary) STUB(fmi3SetBoolean) STUB(fmi3SetClock)
STUB(fmi3SetContinuousStates) STUB(fmi3SetDebugLogging) STUB(fmi3SetFloat32) STUB(fmi3SetInt16) STUB(fmi3SetInt64)
STUB(fmi3SetInt8) STUB(fmi3SetIntervalDecimal) STUB(fmi3SetIntervalFraction) STUB(fmi3SetShiftDecimal)
STUB(fmi3SetShiftFraction) STUB(fmi3SetString) STUB(fmi3SetTime) STUB(fmi3SetUInt16) STUB(fmi3SetUInt32)
STUB(fmi3SetUInt64) STUB(fmi3SetUInt8) STUB(fmi3UpdateDiscreteStates)
#endif
