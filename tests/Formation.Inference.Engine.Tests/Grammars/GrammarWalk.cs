using System.Text;
using Formation.Inference.Engine.Grammars;

namespace Formation.Inference.Engine.Tests.Grammars;

/// <summary>Takes texts by a grammar, and writes random ones that it takes.</summary>
internal sealed class GrammarWalk(GrammarDefinition definition)
{
    // Bytes that lead to the end of most texts of JSON, when they may come.
    private const string Closing = "\"}]0e";

    private readonly Dictionary<int, byte[]> _allowed = [];
    private readonly GrammarMatcher _matcher = new(GrammarCompiler.Compile(definition));

    public bool Takes(string text) =>
        _matcher.Step(_matcher.Start, Encoding.UTF8.GetBytes(text)) is var place and not GrammarMatcher.Dead && _matcher.MayEnd(place);

    /// <summary>A text of the grammar: random for some bytes, and then on a way to its end.</summary>
    /// <returns>Null where it has not come to an end within the bytes at most.</returns>
    public string? Write(Random random, int freely, int atMost)
    {
        var (place, bytes) = (_matcher.Start, new List<byte>());
        while (bytes.Count < atMost)
        {
            if (_matcher.MayEnd(place) && (bytes.Count >= freely || !_matcher.MayGoOn(place) || random.Next(8) == 0))
                return Encoding.UTF8.GetString([.. bytes]);
            if (bytes.Count >= freely && bytes.Count % 32 == 0 && End(place) is { } end)
                return Encoding.UTF8.GetString([.. bytes, .. end]);
            var next = Next(place, random, bytes.Count >= freely);
            bytes.Add(next);
            place = _matcher.Step(place, next);
        }
        return null;
    }

    // The shortest way to an end, if there is one nearby.
    private List<byte>? End(int from)
    {
        var ways = new Dictionary<int, (int Before, byte Byte)> { [from] = default };
        var open = new Queue<int>([from]);
        while (open.TryDequeue(out var place) && ways.Count < 200)
        {
            if (_matcher.MayEnd(place))
            {
                var way = new List<byte>();
                for (; place != from; place = ways[place].Before)
                    way.Insert(0, ways[place].Byte);
                return way;
            }
            foreach (var next in Allowed(place))
                if (_matcher.Step(place, next) is var target && ways.TryAdd(target, (place, next)))
                    open.Enqueue(target);
        }
        return null;
    }

    private byte Next(int place, Random random, bool isClosing)
    {
        if (isClosing)
            foreach (var next in Closing)
                if (random.Next(8) > 0 && _matcher.Step(place, (byte)next) != GrammarMatcher.Dead)
                    return (byte)next;
        var allowed = Allowed(place);
        // A place from which nothing leads on has no right to be come to.
        Assert.NotEmpty(allowed);
        // Most bytes are parts of characters beyond ASCII; what a model writes seldom is.
        byte[] common = [.. allowed.Where(next => next < 0x80)];
        return common.Length > 0 && random.Next(10) > 0 ? common[random.Next(common.Length)] : allowed[random.Next(allowed.Length)];
    }

    private byte[] Allowed(int place) => _allowed.TryGetValue(place, out var known)
        ? known
        : _allowed[place] = [.. Enumerable.Range(0, 256).Select(next => (byte)next).Where(next => _matcher.Step(place, next) != GrammarMatcher.Dead)];
}
