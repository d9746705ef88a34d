namespace Formation.Inference.Engine.Templates.Builtins;

/// <summary>
/// Filters that order, group or sum up elements. Text is compared without regard to case unless <c>case_sensitive</c> is set.
/// </summary>
internal static class GroupingFilters
{
    public static IEnumerable<(string Name, Filter Filter)> All { get; } =
    [
        ("sort", Sort),
        ("dictsort", DictSort),
        ("unique", Unique),
        ("groupby", GroupBy),
        ("min", (context, input, arguments) => Extreme(context, input, arguments, isMaximum: false)),
        ("max", (context, input, arguments) => Extreme(context, input, arguments, isMaximum: true)),
        ("sum", Sum),
        ("batch", Batch),
        ("slice", Slice),
    ];

    static readonly string[] GroupFields = ["grouper", "list"];

    static ListValue Sort(RenderContext context, TemplateValue input, Arguments arguments)
    {
        var bound = arguments.Bind("reverse", "case_sensitive", "attribute");
        List<TemplateValue> items = [.. Iteration.Items(context, input)];
        var (isCaseSensitive, path) = (bound.Boolean(1, false), bound[2]);
        ValueOrder.Sort(context, items, item => SortKey(context, item, path, isCaseSensitive), bound.Boolean(0, false));
        return new ListValue(items);
    }

    static ListValue DictSort(RenderContext context, TemplateValue input, Arguments arguments)
    {
        var bound = arguments.Bind("case_sensitive", "by", "reverse");
        if (input is not DictValue dict)
            throw context.Invalid($"dictsort needs a mapping, not {input.TypeName}.");
        var by = bound[1] is null ? "key" : bound.Text(1).Text;
        if (by is not ("key" or "value"))
            throw context.Invalid("dictsort sorts by 'key' or 'value'.");
        var pairs = DictMethods.Pairs(context, dict);
        var isCaseSensitive = bound.Boolean(0, false);
        ValueOrder.Sort(
            context, pairs, pair => Fold(context, ((ListValue)pair).Items[by == "key" ? 0 : 1], isCaseSensitive), bound.Boolean(2, false));
        return new ListValue(pairs);
    }

    static ListValue Unique(RenderContext context, TemplateValue input, Arguments arguments)
    {
        var bound = arguments.Bind("case_sensitive", "attribute");
        var seen = new HashSet<TemplateValue>(ValueEquality.Keys);
        var kept = new List<TemplateValue>();
        foreach (var item in Iteration.Items(context, input))
        {
            context.Charge(1);
            var key = KeyOf(context, item, bound[1], bound.Boolean(0, false));
            if (seen.Add(DictMethods.Key(context, key)))
                kept.Add(item);
        }
        return new ListValue(kept, SequenceKind.Iterator);
    }

    /// <summary>Pairs of a value and the elements that have it, ordered by the value.</summary>
    static ListValue GroupBy(RenderContext context, TemplateValue input, Arguments arguments)
    {
        var bound = arguments.Bind("attribute", "default", "case_sensitive");
        var (path, defaultValue, isCaseSensitive) = (bound.Required(0), bound[1], bound.Boolean(2, false));
        List<TemplateValue> items = [.. Iteration.Items(context, input)];
        ValueOrder.Sort(context, items, Key, isDescending: false);
        var groups = new List<TemplateValue>();
        List<TemplateValue>? members = null;
        TemplateValue? current = null;
        foreach (var item in items)
        {
            context.Charge(1);
            var key = Key(item);
            if (members is null || !ValueEquality.AreEqual(context, current!, key))
            {
                (members, current) = ([], key);
                context.ChargeObjects(2);
                var grouper = AttributePath.Get(context, item, path, defaultValue);
                groups.Add(new ListValue([grouper, new ListValue(members)], SequenceKind.Tuple) { FieldNames = GroupFields });
            }
            members.Add(item);
        }
        return new ListValue(groups);

        TemplateValue Key(TemplateValue item) => Fold(context, AttributePath.Get(context, item, path, defaultValue), isCaseSensitive);
    }

    static TemplateValue Extreme(RenderContext context, TemplateValue input, Arguments arguments, bool isMaximum)
    {
        var bound = arguments.Bind("case_sensitive", "attribute");
        TemplateValue best = UndefinedValue.Unnamed;
        TemplateValue? bestKey = null;
        foreach (var item in Iteration.Items(context, input))
        {
            context.Charge(1);
            var key = KeyOf(context, item, bound[1], bound.Boolean(0, false));
            var order = bestKey is null ? null : ValueOrder.Compare(context, key, bestKey);
            if (bestKey is null || (isMaximum ? order > 0 : order < 0))
                (best, bestKey) = (item, key);
        }
        return best;
    }

    static TemplateValue Sum(RenderContext context, TemplateValue input, Arguments arguments)
    {
        var bound = arguments.Bind("attribute", "start");
        var total = bound[1] ?? new IntegerValue(0);
        foreach (var item in Iteration.Items(context, input))
        {
            context.Charge(1);
            var term = bound[0] is null or NoneValue ? item : AttributePath.Get(context, item, bound[0]!);
            total = Operators.Apply(context, Syntax.BinaryOperator.Add, total, term);
        }
        return total;
    }

    static ListValue Batch(RenderContext context, TemplateValue input, Arguments arguments)
    {
        var bound = arguments.Bind("linecount", "fill_with");
        var size = bound.Integer(0, 0);
        if (size < 1)
            throw context.Invalid("batch needs a size of at least 1.");
        var batches = new List<TemplateValue>();
        foreach (var chunk in Iteration.Items(context, input).Chunk(size))
        {
            context.Charge(chunk.Length);
            context.ChargeObjects(1);
            List<TemplateValue> batch = [.. chunk];
            if (bound[1] is not (null or NoneValue))
            {
                context.CheckCollection(size);
                context.Charge(size - batch.Count);
                batch.AddRange(Enumerable.Repeat(bound[1]!, size - batch.Count));
            }
            batches.Add(new ListValue(batch));
        }
        return new ListValue(batches, SequenceKind.Iterator);
    }

    /// <summary>Jinja's <c>slice</c>: a number of columns, the first of them one element longer where it does not divide evenly.</summary>
    static ListValue Slice(RenderContext context, TemplateValue input, Arguments arguments)
    {
        var bound = arguments.Bind("slices", "fill_with");
        var count = bound.Integer(0, 0);
        if (count < 1)
            throw context.Invalid("slice needs at least 1 slice.");
        context.CheckCollection(count);
        context.ChargeObjects(count);
        var items = Iteration.Items(context, input);
        var (length, longer) = Math.DivRem(items.Count, count);
        var slices = new List<TemplateValue>();
        for (var (i, at) = (0, 0); i < count; i++)
        {
            var size = length + (i < longer ? 1 : 0);
            List<TemplateValue> slice = items.GetRange(at, size);
            if (i >= longer && bound[1] is not (null or NoneValue))
                slice.Add(bound[1]!);
            slices.Add(new ListValue(slice));
            at += size;
        }
        return new ListValue(slices, SequenceKind.Iterator);
    }

    static TemplateValue KeyOf(RenderContext context, TemplateValue item, TemplateValue? path, bool isCaseSensitive) =>
        Fold(context, path is null or NoneValue ? item : AttributePath.Get(context, item, path), isCaseSensitive);

    /// <summary>The key of <c>sort</c>, whose attribute may be several joined by commas.</summary>
    static TemplateValue SortKey(RenderContext context, TemplateValue item, TemplateValue? path, bool isCaseSensitive)
    {
        if (path is not StringValue { Text: var names } text || !names.Contains(','))
            return KeyOf(context, item, path, isCaseSensitive);
        context.ChargeText(names.Length);
        var keys = names.Split(',').Select(
            name => KeyOf(context, item, text.Value.IsTemplate ? StringValue.Template(name) : StringValue.Data(name), isCaseSensitive));
        return ListValue.Tuple([.. keys]);
    }

    static TemplateValue Fold(RenderContext context, TemplateValue key, bool isCaseSensitive) =>
        key is StringValue text && !isCaseSensitive ? new StringValue(CaseMapping.Lower(context, text.Value)) : key;
}
