using System.Runtime.InteropServices;

namespace Formation.Inference.Engine.Grammars;

/// <summary>
/// Follows texts through a grammar, byte by byte: a place in a text is a set of places in rules, each with those that it goes back to, and both are
/// numbered when they are first come to, with the way from one to the next. So most bytes cost a look into a table (a deterministic automaton that
/// is made while it is used, over the stacks of a pushdown automaton).
/// </summary>
/// <remarks>Not safe for more than one thread. What is kept is bounded by <see cref="MostPlaces"/>; see <see cref="Clear"/>.</remarks>
internal sealed class GrammarMatcher
{
    /// <summary>No text goes on from here.</summary>
    public const int Dead = -1;

    /// <summary>Places that are kept at most.</summary>
    public const int MostPlaces = 1 << 14;

    /// <summary>How deep rules may call each other in a text: what would go deeper is not allowed there.</summary>
    public const int MostDepth = 1024;

    /// <summary>Ways to read the same text at most.</summary>
    public const int MostReadings = 4096;

    private const int Unknown = -2;
    private const int Bottom = -1;

    private readonly GrammarAutomaton _automaton;
    private readonly List<Frame> _frames = [];
    private readonly Dictionary<Frame, int> _frameNumbers = [];
    private readonly List<Place> _places = [];
    private readonly Dictionary<Place, int> _placeNumbers = new(PlaceComparer.Instance);
    private readonly HashSet<int> _seen = [];
    private readonly Stack<int> _open = [];
    private readonly List<int> _next = [];

    public GrammarMatcher(GrammarAutomaton automaton)
    {
        _automaton = automaton;
        Start = Begin();
    }

    /// <summary>The place before the first byte.</summary>
    public int Start { get; private set; }

    /// <summary>Places that are known so far.</summary>
    public int Count => _places.Count;

    /// <summary>Whether the text may end here.</summary>
    public bool MayEnd(int place) => _places[place].MayEnd;

    /// <summary>Whether there is a byte that may follow.</summary>
    public bool MayGoOn(int place) => _places[place].Heads.Length > 0;

    /// <summary>The place behind a byte, or <see cref="Dead"/>.</summary>
    /// <exception cref="GrammarException">There are more than <see cref="MostReadings"/> ways to read the text.</exception>
    public int Step(int place, byte next)
    {
        var known = _places[place];
        var target = known.Steps[next];
        return target != Unknown ? target : known.Steps[next] = Find(known, next);
    }

    /// <summary>The place behind some bytes, or <see cref="Dead"/>.</summary>
    /// <inheritdoc cref="Step(int, byte)"/>
    public int Step(int place, ReadOnlySpan<byte> bytes)
    {
        foreach (var next in bytes)
        {
            place = Step(place, next);
            if (place == Dead)
                return Dead;
        }
        return place;
    }

    /// <inheritdoc cref="GrammarAutomaton.AlikeFor"/>
    public int[] AlikeFor(int bytes) => _automaton.AlikeFor(bytes);

    /// <summary>The frames of a place, each before a byte; see <see cref="FrameAt"/>.</summary>
    public ReadOnlySpan<int> Heads(int place) => _places[place].Heads;

    /// <summary>A frame: its state, that of the frame below it, the frame below that one (each <see cref="Dead"/> where there is none), and its depth.</summary>
    public (int State, int Below, int Behind, int Depth) FrameAt(int frame)
    {
        var (state, below, depth) = _frames[frame];
        return below == Bottom ? (state, Dead, Dead, depth) : (state, _frames[below].State, _frames[below].Return, depth);
    }

    /// <summary>The place of what a frame goes on with, or <see cref="Dead"/>.</summary>
    public int PlaceOf(int frame)
    {
        _next.Clear();
        _next.Add(frame);
        return Close();
    }

    /// <summary>The place of a state with one below it, as if nothing were below that: it may end where both have ended.</summary>
    /// <param name="state">The state.</param>
    /// <param name="below">The other, or <see cref="Dead"/> for none.</param>
    public int PlaceOf(int state, int below) => PlaceOf(Number(state, below == Dead ? Bottom : Number(below, Bottom)));

    /// <summary>Forgets all places, once there are more than <see cref="MostPlaces"/>.</summary>
    /// <returns>Whether it did: then all numbers mean nothing any more, and texts are followed from <see cref="Start"/> again.</returns>
    public bool Clear()
    {
        if (_places.Count <= MostPlaces)
            return false;
        _frames.Clear();
        _frameNumbers.Clear();
        _places.Clear();
        _placeNumbers.Clear();
        Start = Begin();
        return true;
    }

    private int Begin()
    {
        _next.Clear();
        _next.Add(Number(_automaton.Start, Bottom));
        return Close();
    }

    private int Find(Place place, byte next)
    {
        _next.Clear();
        foreach (var head in place.Heads)
        {
            var (state, below, _) = _frames[head];
            foreach (var edge in _automaton[state].Edges)
                if (next >= edge.First && next <= edge.Last)
                    _next.Add(Number(edge.Target, below));
        }
        return _next.Count == 0 ? Dead : Close();
    }

    // Follows calls and ends from the frames in _next on, until each stands before a byte.
    private int Close()
    {
        _seen.Clear();
        var heads = new List<int>();
        var mayEnd = false;
        foreach (var frame in _next)
            if (_seen.Add(frame))
                _open.Push(frame);
        while (_open.TryPop(out var number))
        {
            var (index, below, depth) = _frames[number];
            var state = _automaton[index];
            if (state.Edges.Length > 0)
                heads.Add(number);
            if (state.IsEnd && below == Bottom)
                mayEnd = true;
            else if (state.IsEnd)
                Open(below);
            foreach (var call in state.Calls)
            {
                // Who has nothing left to do need not be come back to: so lists that call themselves at their end need no depth.
                var back = _automaton[call.Return].IsOnlyEnd ? below : depth < MostDepth ? Number(call.Return, below) : Unknown;
                if (back != Unknown)
                    Open(Number(call.Start, back));
            }
            if (_seen.Count > MostReadings)
            {
                _open.Clear();
                throw new GrammarException($"there are more than {MostReadings} ways to read this text by the grammar");
            }
        }
        if (heads.Count == 0 && !mayEnd)
            return Dead;
        heads.Sort();
        return Number(new Place([.. heads], mayEnd));

        void Open(int frame)
        {
            if (_seen.Add(frame))
                _open.Push(frame);
        }
    }

    private int Number(int state, int below)
    {
        var frame = new Frame(state, below, below == Bottom ? 0 : _frames[below].Depth + 1);
        ref var number = ref CollectionsMarshal.GetValueRefOrAddDefault(_frameNumbers, frame, out var isKnown);
        if (!isKnown)
        {
            number = _frames.Count;
            _frames.Add(frame);
        }
        return number;
    }

    private int Number(Place place)
    {
        ref var number = ref CollectionsMarshal.GetValueRefOrAddDefault(_placeNumbers, place, out var isKnown);
        if (!isKnown)
        {
            number = _places.Count;
            _places.Add(place);
        }
        return number;
    }

    /// <summary>A place in a rule.</summary>
    /// <param name="State">Where.</param>
    /// <param name="Return">The frame that the rule goes back to, or <see cref="Bottom"/>.</param>
    /// <param name="Depth">Frames below this one.</param>
    private readonly record struct Frame(int State, int Return, int Depth);

    /// <summary>A place in a text.</summary>
    /// <param name="heads">The frames before a byte, in order.</param>
    /// <param name="mayEnd">Whether the text may end here.</param>
    private sealed class Place(int[] heads, bool mayEnd)
    {
        private int[]? _steps;

        public int[] Heads => heads;

        public bool MayEnd => mayEnd;

        /// <summary>The place behind each byte, or <see cref="Unknown"/> as long as nobody has asked.</summary>
        public int[] Steps
        {
            get
            {
                if (_steps is null)
                {
                    _steps = GC.AllocateUninitializedArray<int>(256);
                    Array.Fill(_steps, Unknown);
                }
                return _steps;
            }
        }
    }

    private sealed class PlaceComparer : IEqualityComparer<Place>
    {
        public static PlaceComparer Instance { get; } = new();

        public bool Equals(Place? one, Place? other) => one!.MayEnd == other!.MayEnd && one.Heads.AsSpan().SequenceEqual(other.Heads);

        public int GetHashCode(Place place)
        {
            var hash = new HashCode();
            hash.Add(place.MayEnd);
            hash.AddBytes(MemoryMarshal.AsBytes(place.Heads.AsSpan()));
            return hash.ToHashCode();
        }
    }
}
