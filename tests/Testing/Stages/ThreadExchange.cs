using Formation.Inference.Engine.Models;
using Formation.Inference.Engine.Stages;

namespace Formation.Inference.Testing.Stages;

/// <summary>A group whose members are threads of one process.</summary>
public sealed class ThreadExchange
{
    private readonly float[][] _partials;
    private readonly Barrier _barrier;

    public ThreadExchange(int members)
    {
        _partials = new float[members][];
        _barrier = new Barrier(members);
        Members = [.. Enumerable.Range(0, members).Select(rank => new Member(this, new TensorShare(rank, members)))];
    }

    /// <summary>What each member gets, by rank.</summary>
    public IReadOnlyList<ITensorExchange> Members { get; }

    /// <summary>Sums that all members have computed together.</summary>
    public long Sums => _barrier.CurrentPhaseNumber / 2;

    private sealed class Member(ThreadExchange group, TensorShare share) : ITensorExchange
    {
        public TensorShare Share => share;

        public void Sum(Span<float> values)
        {
            group._partials[share.Rank] = values.ToArray();
            group._barrier.SignalAndWait();
            for (var i = 0; i < values.Length; i++)
            {
                var sum = group._partials[0][i];
                for (var rank = 1; rank < share.Count; rank++)
                    sum += group._partials[rank][i];
                values[i] = sum;
            }
            group._barrier.SignalAndWait();
        }
    }
}
