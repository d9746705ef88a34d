using System.IO.Pipelines;
using Formation.Inference.Cluster.Identity;

namespace Formation.Inference.Cluster.Relays;

/// <summary>One end of a relayed connection, as the relay has it: behind the TLS handshake with the relay.</summary>
/// <param name="Pin">The key that was proved there.</param>
/// <param name="Input">What comes from there. Bounded: what is not read yet holds the other side up.</param>
/// <param name="Output">What goes there. Bounded: a flush waits until there is room.</param>
/// <param name="Abort">Ends it at once, with reads and writes in progress; may be called from any thread, and again.</param>
public sealed record RelayEnd(KeyPin Pin, PipeReader Input, PipeWriter Output, Action Abort);
