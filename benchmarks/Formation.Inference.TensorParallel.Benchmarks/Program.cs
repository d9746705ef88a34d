using System.Globalization;
using Formation.Inference.TensorParallel.Benchmarks;

// Measures what a second machine gives one stream: a leader and followers in processes of their own, one thread each, over TLS on the loopback
// interface, in turns with one process of one thread.
// Arguments: the model, members (2), tokens a turn (48), turns (7). A follower's process is started as: follower MODEL RANK MEMBERS PIN.
if (args is ["follower", var file, var rank, var members, var leader])
{
    FollowerProcess.Run(file, Number(rank), Number(members), leader);
    return;
}
int At(int index, int otherwise) => args.Length > index ? Number(args[index]) : otherwise;
await Comparison.RunAsync(args[0], At(1, 2), At(2, 48), At(3, 7));

static int Number(string text) => int.Parse(text, CultureInfo.InvariantCulture);
